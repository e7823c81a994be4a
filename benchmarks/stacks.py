"""The opponents: how each makes its schema, starts, and stores a date.

`ours` is this repository's service; `finale` the seed's application as shipped (SQLite's
rollback journal) and `finale-wal` the same in WAL mode. Both databases are left at
`synchronous=FULL`, so every figure here is of acknowledged writes that were fsynced.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.issuer import AUDIENCE, CLIENT_ID, SCOPE
from benchmarks.parts import iso_text, sequelize_text
from benchmarks.stores import Stamp
from tests.conformance.node import MODULES

ROOT = Path(__file__).resolve().parent.parent
FINALE = Path(__file__).resolve().parent / "finale"

OURS = "ours"
FINALE_SHIPPED = "finale"
FINALE_WAL = "finale-wal"


@dataclass(frozen=True, slots=True)
class Stack:
    """One opponent. `settings` maps a DATABASE_URL to the stack's own environment."""

    name: str
    title: str
    cwd: Path
    serve: list[str]
    migrate: list[str]
    stamp: Stamp
    settings: Callable[[str], dict[str, str]]
    ready_path: str | None
    """What answers 200 without a token once the server is ready, where there is such a path."""

    def environment(self, *, issuer: str, url: str, port: int) -> dict[str, str]:
        """Return the environment of the server and of its migration."""
        common = {
            "ISSUER": issuer,
            "AUDIENCE": AUDIENCE,
            "SCOPE": SCOPE,
            "CLIENT_ID": CLIENT_ID,
            "SERVER_HOST": "127.0.0.1",
            "SERVER_PORT": str(port),
        }
        return common | self.settings(url)


def ours() -> Stack:
    """Return this repository's service."""
    return Stack(
        name=OURS,
        title="this service",
        cwd=ROOT,
        serve=[sys.executable, "-m", "api"],
        migrate=[sys.executable, "-m", "alembic", "upgrade", "head"],
        stamp=iso_text,
        settings=lambda url: {"DATABASE_URL": url, "LOG_LEVEL": "warning"},
        ready_path="/readyz",
    )


def finale(node: str, *, wal: bool) -> Stack:
    """Return the seed's application on SQLite, as shipped or in WAL mode."""

    def settings(url: str) -> dict[str, str]:
        environment = {"NODE_ENV": "production", "NODE_PATH": str(MODULES)}
        if urlsplit(url).scheme == "sqlite":
            path = url.removeprefix("sqlite:///")
            return environment | {"SQLITE_STORAGE": path, "SQLITE_WAL": "1" if wal else "0"}
        return environment | {"DATABASE_URL": url}

    return Stack(
        name=FINALE_WAL if wal else FINALE_SHIPPED,
        title="Finale, WAL" if wal else "Finale as shipped",
        cwd=FINALE,
        serve=[node, "index.js"],
        migrate=[node, "index.js", "--sync"],
        stamp=sequelize_text,
        settings=settings,
        ready_path=None,
    )
