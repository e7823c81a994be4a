"""The tables of a service: whether its database has them, and creating them in development.

With migrations the database must be at their newest revision. Without, the tables of all models
must exist with their columns; ``encore dev`` creates them, in an empty database only.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Inspector, MetaData, Table, inspect

from encore.database.advice import check_file, explain
from encore.database.errors import DatabaseError
from encore.database.factory import open_database
from encore.database.startup import wait_until_ready
from encore.database.urls import sqlite_path
from encore.errors import StartupError
from encore.service.inspection import inspect_database, unreadable, with_database
from encore.service.revisions import all_revisions, newest_revision

UPGRADE: Final = "alembic upgrade head"
_INIT: Final = "python -m encore migrations init"
_CREATE: Final = f"run python -m encore dev, or {_INIT}"

_log: Final[Any] = structlog.get_logger("encore.service")


@dataclass(frozen=True, slots=True)
class Schema:
    """What a service needs its database to be.

    Attributes:
        url: The database's.
        migrations: Alembic's ``script_location``; None where the service has no migrations.
        metadata: What the models declare, and the tables of this library.
        upgrade_command: What brings the database to the newest revision, for messages.
    """

    url: str
    migrations: Path | None
    metadata: tuple[MetaData, ...]
    upgrade_command: str = UPGRADE

    def check(self, *, wait_seconds: int = 0) -> None:
        """Reject a database that is missing, unreadable, or lacks revisions or tables.

        Args:
            wait_seconds: For how long to wait for it while it is starting.

        Raises:
            StartupError: One line that says what to do.
        """
        check_file(self.url)
        if self.migrations is not None:
            check_migrations(self.migrations)
        path = sqlite_path(self.url)
        if path is not None and not path.exists():
            advice = f"run {self.upgrade_command}" if self.migrations else _CREATE
            raise StartupError(f"DATABASE_URL: there is no database yet; {advice}")
        found = self._read_revision(wait_seconds)
        if self.migrations is not None:
            self._check_revision(self.migrations, found)
        elif missing := self.missing():
            raise StartupError(
                f"DATABASE_URL: the database lacks {', '.join(missing)}; write migrations ({_INIT})"
                f" and run {self.upgrade_command}"
            )

    def create(self) -> None:
        """Create all tables in an empty database; check that they exist in any other.

        Raises:
            StartupError: The database cannot be read, or has tables and lacks some of the models'
                tables or columns.
        """
        check_file(self.url)
        self._read_revision(0)
        with_database(self.url, self._create_tables, read_only=False)
        if missing := self.missing():
            raise StartupError(
                f"DATABASE_URL: the database is not empty and lacks {', '.join(missing)}; delete"
                f" it, name a new one, or write migrations ({_INIT})"
            )

    def missing(self) -> list[str]:
        """Return what the models declare and the database lacks: ``table x``, ``column x.y``."""
        missing: list[str] = []

        def compare(connection: Connection) -> None:
            inspector = inspect(connection)
            for table in self._tables():
                missing.extend(_missing(table, inspector))

        inspect_database(self.url, compare)
        return missing

    def _check_revision(self, migrations: Path, found: str | None) -> None:
        newest = newest_revision(migrations)
        if found == newest:
            return
        if found is not None and found not in all_revisions(migrations):
            raise StartupError(
                f"DATABASE_URL: the database is at revision {found}, which this code does not"
                f" know: a newer version migrated it; run that, or restore a backup ({newest} is"
                " the newest here)"
            )
        raise StartupError(
            f"DATABASE_URL: the database is at revision {found or 'none'}, the code needs"
            f" {newest}; run {self.upgrade_command}"
        )

    def _read_revision(self, wait_seconds: int) -> str | None:
        """Open the database as the service does, and return its revision."""

        async def read() -> str | None:
            database = open_database(self.url)
            try:
                await database.open()
                return await database.revision()
            finally:
                await database.close()

        try:
            return asyncio.run(wait_until_ready(read, wait_seconds, log_waiting))
        except DatabaseError as error:
            raise unreadable(explain(error)) from error

    def _create_tables(self, connection: Connection) -> None:
        if inspect(connection).get_table_names():
            return
        for metadata in self.metadata:
            metadata.create_all(connection)
        connection.commit()

    def _tables(self) -> Iterator[Table]:
        for metadata in self.metadata:
            yield from (t for t in metadata.tables.values() if not t.info.get("is_view"))


def check_migrations(folder: Path) -> None:
    """Reject migrations without a revision, or with several heads. Raises ``StartupError``."""
    if newest_revision(folder) is None:
        raise StartupError(
            f"{folder.name}: there is no revision yet; run alembic revision --autogenerate -m first"
        )


def log_waiting(why: str) -> None:
    """Log that a start waits for the database."""
    _log.warning("database.waiting", reason=why)


def _missing(table: Table, inspector: Inspector) -> Iterator[str]:
    if not inspector.has_table(table.name, table.schema):
        yield f"table {table.fullname}"
        return
    found = {column["name"] for column in inspector.get_columns(table.name, table.schema)}
    yield from (f"column {table.fullname}.{c.name}" for c in table.columns if c.name not in found)
