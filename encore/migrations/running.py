"""Running migrations: one at a time, bounded in time, and each failure of the database in one line.

Several processes may start at once, each to migrate the same database. On PostgreSQL they take
turns by an advisory lock, on SQLite by the file's write lock; who comes later finds nothing to do.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Final

import asyncpg
from alembic.util import CommandError
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from encore.database.advice import check_file, explain
from encore.database.engine import with_connection
from encore.database.errors import (
    DatabaseError,
    DatabaseUnavailable,
    PermissionDenied,
    ReadOnly,
    StatementTimeout,
)
from encore.database.factory import open_database
from encore.database.postgresql.error_mapping import translate as from_postgresql
from encore.database.sqlite.error_mapping import translate as from_sqlite
from encore.database.startup import wait_until_ready
from encore.database.urls import sqlite_path
from encore.errors import StartupError
from encore.migrations.settings import MigrationSettings

_LOCK: Final = 0x656E636F7265
"""The advisory lock's number: "encore"."""

_POLL_S: Final = 0.1
_LOCKED: Final = ("55P03", "SQLITE_BUSY", "SQLITE_LOCKED")
_OF_THE_DATABASE: Final = (DatabaseUnavailable, ReadOnly, PermissionDenied, StatementTimeout)
"""What is no defect of a migration."""


def run(settings: MigrationSettings, migrate: Callable[[Connection], None]) -> None:
    """Connect, wait for other migrations to end, and migrate.

    Raises:
        CommandError: One line: what keeps the database from being reached or migrated.
    """
    try:
        check_file(settings.url)
        asyncio.run(wait_until_ready(lambda: _reach(settings.url), settings.wait_seconds, _tell))
    except StartupError as error:
        raise CommandError(str(error)) from error
    except DatabaseError as error:
        raise CommandError(f"DATABASE_URL: {explain(error)}") from error
    with _explained(settings):
        with_connection(settings.url, lambda connection: _alone(connection, settings, migrate))


async def _reach(url: str) -> None:
    """Connect as the service does, once."""
    database = open_database(url)
    try:
        await database.open()
    finally:
        await database.close()


def _tell(why: str) -> None:
    print(f"DATABASE_URL: {why}: waiting", file=sys.stderr)  # noqa: T201 - Alembic's own way


def _alone(
    connection: Connection, settings: MigrationSettings, migrate: Callable[[Connection], None]
) -> None:
    if connection.dialect.name == "sqlite":
        # The first statement takes the file's write lock, and waits for it.
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for mypy's sake
        driver.execute(f"PRAGMA busy_timeout = {settings.lock_seconds * 1000}")
        migrate(connection)
        return
    _limit(connection, "lock_timeout", settings.lock_seconds or 0.001)  # 0 is no limit there.
    _limit(connection, "statement_timeout", settings.statement_seconds)
    _take_turn(connection, settings.statement_seconds)
    migrate(connection)  # Closing the connection gives the lock back, however this ends.


def _limit(connection: Connection, name: str, seconds: float) -> None:
    value = f"{seconds * 1000:.0f}ms"
    connection.execute(select(func.set_config(name, value, False)))  # noqa: FBT003 - SQL's
    connection.commit()


def _take_turn(connection: Connection, seconds: int) -> None:
    """Take the advisory lock, for the whole session.

    It is asked for again and again: a statement that waited for it would hold a snapshot, for
    which the other's CREATE INDEX CONCURRENTLY would wait in turn.
    """
    deadline = monotonic() + seconds
    told = False
    while True:
        taken = connection.execute(select(func.pg_try_advisory_lock(_LOCK))).scalar_one()
        connection.commit()
        if taken:
            return
        if not told:
            _tell("another migration is running")
            told = True
        if seconds and monotonic() > deadline:
            raise CommandError(
                f"DATABASE_URL: another migration has been running for over {seconds} s"
                " (MIGRATION_STATEMENT_SECONDS)"
            )
        sleep(_POLL_S)


@contextmanager
def _explained(settings: MigrationSettings) -> Iterator[None]:
    """Raise ``CommandError`` for what is the database's doing; let defects of ours through."""
    try:
        yield
    except (DatabaseError, DBAPIError, sqlite3.Error, asyncpg.PostgresError, OSError) as error:
        failure = _translated(error, settings.url)
        if not isinstance(failure, _OF_THE_DATABASE):
            raise
        raise CommandError(f"DATABASE_URL: {_words(failure, settings)}") from error


def _translated(error: Exception, url: str) -> DatabaseError:
    """Return our error for the driver's, also for one inside of SQLAlchemy's."""
    if isinstance(error, DatabaseError):
        return error
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    if sqlite_path(url) is not None:
        translated = from_sqlite(cause if isinstance(cause, Exception) else error)
    else:
        cause = cause.__cause__ if isinstance(error, DBAPIError) and cause else cause
        translated = from_postgresql(cause if isinstance(cause, Exception) else error)
    translated.__cause__ = cause
    return translated


def _words(failure: DatabaseError, settings: MigrationSettings) -> str:
    """Say what happened and what it leaves."""
    if failure.code is not None and failure.code.startswith(_LOCKED):
        return (
            f"a lock was not free within {settings.lock_seconds} s (MIGRATION_LOCK_SECONDS):"
            f" nothing is changed, run it again ({failure.code})"
        )
    if isinstance(failure, StatementTimeout):
        return (
            f"a statement took longer than {settings.statement_seconds} s"
            f" (MIGRATION_STATEMENT_SECONDS), or was canceled: nothing is changed ({failure.code})"
        )
    return explain(failure)
