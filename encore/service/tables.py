"""The tables of a service: whether its database has them, and creating them in development.

With migrations the database must be at their newest revision. Without, the tables of all models
must exist; ``encore dev`` creates them, in an empty database only.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Connection, MetaData, inspect
from sqlalchemy.exc import SQLAlchemyError

from encore.database.engine import with_connection
from encore.database.errors import DatabaseError
from encore.database.factory import open_database
from encore.database.startup import describe_failure, wait_until_ready
from encore.database.urls import sqlite_path
from encore.errors import StartupError
from encore.service.revisions import all_revisions, newest_revision

INIT: Final = "python -m encore migrations init"
UPGRADE: Final = "alembic upgrade head"


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
            StartupError: Names the command to run.
        """
        if self.migrations is None:
            _check_file(self.url, "run python -m encore dev, or use migrations")
            if missing := self.missing_tables():
                raise StartupError(
                    f"DATABASE_URL: the database has no table {', '.join(missing)}; make"
                    f" migrations ({INIT}) and run {self.upgrade_command}"
                )
            return
        _check_file(self.url, f"run {self.upgrade_command}")
        try:
            found = asyncio.run(wait_until_ready(self._revision, wait_seconds, log_waiting))
        except DatabaseError as error:
            raise _unreadable(describe_failure(error)) from error
        self._check_revision(self.migrations, found)

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

    async def _revision(self) -> str | None:
        database = open_database(self.url)
        try:
            await database.open()
            return await database.revision()
        finally:
            await database.close()

    def missing_tables(self) -> list[str]:
        """Return the tables of the models that the database does not have, by name."""
        missing: list[str] = []

        def look(connection: Connection) -> None:
            inspector = inspect(connection)
            missing.extend(
                table.fullname
                for table in self._tables()
                if not (inspector.has_table(table.name, table.schema))
            )

        self._with_connection(look)
        return missing

    def create(self) -> None:
        """Create all tables in an empty database; check that they exist in any other.

        Raises:
            StartupError: The database has tables, and lacks some of the models'.
        """

        def create_tables(connection: Connection) -> None:
            if inspect(connection).get_table_names():
                return
            for metadata in self.metadata:
                metadata.create_all(connection)
            connection.commit()

        self._with_connection(create_tables)
        if missing := self.missing_tables():
            raise StartupError(
                f"DATABASE_URL: the database is not empty and has no table {', '.join(missing)};"
                f" make migrations ({INIT}), or name a new database"
            )

    def _tables(self) -> Iterable[Any]:
        for metadata in self.metadata:
            yield from (t for t in metadata.tables.values() if not t.info.get("is_view"))

    def _with_connection(self, work: Callable[[Connection], None]) -> None:
        try:
            with_connection(self.url, work)
        except (SQLAlchemyError, OSError) as error:
            raise _unreadable(str(error.__cause__ or error).splitlines()[0]) from error
        except Exception as error:  # Drivers raise errors of their own when connecting.
            raise _unreadable(str(error).splitlines()[0]) from error


def check_folder(url: str) -> None:
    """Reject the path of a SQLite file whose folder does not exist. Raises ``StartupError``."""
    path = sqlite_path(url)
    if path is not None and not path.absolute().parent.is_dir():
        raise StartupError("DATABASE_URL: the folder of the SQLite file must exist; make it first")


def log_waiting(why: str) -> None:
    """Log that a start waits for the database."""
    log: Any = structlog.get_logger("encore.start")
    log.warning("database.waiting", reason=why)


def _check_file(url: str, advice: str) -> None:
    check_folder(url)
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise StartupError(f"DATABASE_URL: there is no database yet; {advice}")


def _unreadable(why: str) -> StartupError:
    return StartupError(f"DATABASE_URL: the database cannot be read: {why}")
