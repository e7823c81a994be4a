"""The competitors: how each creates its schema, starts and stores a timestamp.

`ours` is this repository's service; `finale` the Okta sample as published (SQLite's rollback
journal), `finale-wal` the same in WAL mode. All SQLite databases have `synchronous=FULL`, so that
every acknowledged write was fsynced.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.issuer import AUDIENCE, CLIENT_ID, SCOPE
from benchmarks.parts import FormatTimestamp, format_iso, format_sequelize
from tests.conformance.node import MODULES

ROOT: Final = Path(__file__).resolve().parent.parent
FINALE: Final = Path(__file__).resolve().parent / "finale"

OURS: Final = "ours"
FINALE_SHIPPED: Final = "finale"
FINALE_WAL: Final = "finale-wal"


@dataclass(frozen=True, slots=True)
class Competitor:
    """One competitor.

    Attributes:
        name: For options and files.
        title: For the report.
        cwd: Where its commands run.
        serve: Command that starts the server.
        migrate: Command that creates the schema.
        format_timestamp: How it stores a timestamp in SQLite.
        settings: Returns its environment variables for a DATABASE_URL.
        ready_path: Responds 200 without a token once the server is ready; None if it has none.
    """

    name: str
    title: str
    cwd: Path
    serve: list[str]
    migrate: list[str]
    format_timestamp: FormatTimestamp
    settings: Callable[[str], dict[str, str]]
    ready_path: str | None

    def build_environment(self, *, issuer: str, url: str, port: int) -> dict[str, str]:
        """Return the environment variables of the server and the migration."""
        common = {
            "ISSUER": issuer,
            "AUDIENCE": AUDIENCE,
            "SCOPE": SCOPE,
            "CLIENT_ID": CLIENT_ID,
            "SERVER_HOST": "127.0.0.1",
            "SERVER_PORT": str(port),
        }
        return common | self.settings(url)


def create_ours() -> Competitor:
    """Return this repository's service."""
    return Competitor(
        name=OURS,
        title="this service",
        cwd=ROOT,
        serve=[sys.executable, "-m", "api"],
        migrate=[sys.executable, "-m", "alembic", "upgrade", "head"],
        format_timestamp=format_iso,
        settings=lambda url: {"DATABASE_URL": url, "LOG_LEVEL": "warning"},
        ready_path="/readyz",
    )


def create_finale(node: str, *, wal: bool) -> Competitor:
    """Return the Okta sample; on SQLite with a rollback journal or in WAL mode."""

    def settings(url: str) -> dict[str, str]:
        environment = {"NODE_ENV": "production", "NODE_PATH": str(MODULES)}
        if urlsplit(url).scheme == "sqlite":
            path = url.removeprefix("sqlite:///")
            return environment | {"SQLITE_STORAGE": path, "SQLITE_WAL": "1" if wal else "0"}
        return environment | {"DATABASE_URL": url}

    return Competitor(
        name=FINALE_WAL if wal else FINALE_SHIPPED,
        title="Finale, WAL" if wal else "Finale as shipped",
        cwd=FINALE,
        serve=[node, "index.js"],
        migrate=[node, "index.js", "--sync"],
        format_timestamp=format_sequelize,
        settings=settings,
        ready_path=None,
    )
