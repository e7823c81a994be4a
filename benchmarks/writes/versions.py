"""The servers of both versions, each over its own copy of the same rows, on one core."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.competitors import Competitor, create_ours
from benchmarks.databases import Database, SQLiteDatabase
from benchmarks.issuer import start_issuer
from benchmarks.parts import generate_parts
from benchmarks.postgres import PostgresDatabase, start_postgres
from benchmarks.processes import Cores
from benchmarks.servers import RunSettings, migrate, start_server
from benchmarks.writes.rows import AFTER, BEFORE, COPIES, PARTS
from benchmarks.writes.service import create_copies
from benchmarks.writes.traffic import Target
from encore.database.engine import with_connection


@contextmanager
def serve_versions(
    folder: Path, cores: Cores, before: Path | None, *, on_postgres: bool
) -> Iterator[Mapping[str, Target]]:
    """Serve this version, and an earlier one if there is a checkout, until the block ends."""
    with ExitStack() as stack:
        issuer = stack.enter_context(start_issuer())
        settings = RunSettings(issuer.url, issuer.sign_token(), cores.server, folder)
        sockets, postmaster = None, tuple[int, ...]()
        if on_postgres:
            sockets = stack.enter_context(start_postgres(folder / "postgres", cores.load))
            postmaster = (_read_pid(folder / "postgres" / "postmaster.pid"),)
        services = [_version_with_copies()]
        if before is not None:
            services += [_shipped_version(BEFORE, before), _shipped_version(AFTER, None)]
        targets = {}
        for service in services:
            database: Database = (
                SQLiteDatabase(folder / service.name, service.name)
                if sockets is None
                else PostgresDatabase(sockets, service.name)
            )
            _create(service, database, settings)
            server = stack.enter_context(start_server(service, database, settings))
            targets[service.name] = Target(
                server.port, (server.pid, *postmaster), settings.token, database.url, PARTS
            )
        yield targets


def _read_pid(path: Path) -> int:
    """Return the id of a PostgreSQL server's first process."""
    return int(path.read_text().partition("\n")[0])


def _version_with_copies() -> Competitor:
    serve = _repeatable("benchmarks.writes.service")
    return replace(create_ours(), name=COPIES, title=COPIES, serve=serve, settings=_settings)


def _shipped_version(name: str, folder: Path | None) -> Competitor:
    """Return a version as it is shipped: the one in a folder, or this one."""
    ours = replace(create_ours(), name=name, title=name, settings=_settings)
    if folder is not None:
        ours = replace(ours, cwd=folder)
    return replace(ours, serve=_repeatable("api"))


def _repeatable(module: str) -> list[str]:
    """Return the command that runs a module, with the same layout of memory in every run.

    Otherwise two runs of one version differ by some percent.
    """
    setarch = shutil.which("setarch")
    return [*([setarch, "-R"] if setarch else []), sys.executable, "-m", module]


def _settings(url: str) -> dict[str, str]:
    return {"DATABASE_URL": url, "LOG_LEVEL": "warning", "PYTHONHASHSEED": "0"}


def _create(service: Competitor, database: Database, settings: RunSettings) -> None:
    """Create the tables with their rows."""
    database.create()
    migrate(service, database, settings)
    database.insert_parts(generate_parts(PARTS))
    if service.name == COPIES:
        with_connection(database.url, create_copies)
    database.save_snapshot()
