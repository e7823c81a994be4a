"""Running migrations: one at a time, bounded in time, and each failure of the database in one line.

Several processes may start at once, each to migrate the same database. An advisory lock
(PostgreSQL) or the file's write lock (SQLite) lets one run at a time; the others then have nothing
left to do.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Final

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
"""Errors whose cause is the database and not the migration."""


def run(settings: MigrationSettings, migrate: Callable[[Connection], None]) -> None:
    """Connect, wait for other migrations to end, and migrate.

    Raises:
        CommandError: One line that says why the database cannot be reached or migrated.
    """
    try:
        check_file(settings.url)
        asyncio.run(
            wait_until_ready(
                lambda: _connect_once(settings.url), settings.wait_seconds, _print_waiting
            )
        )
    except StartupError as error:
        raise CommandError(str(error)) from error
    except DatabaseError as error:
        raise CommandError(f"DATABASE_URL: {explain(error)}") from error
    with _errors_explained(settings):
        with_connection(
            settings.url, lambda connection: _migrate_exclusively(connection, settings, migrate)
        )


async def _connect_once(url: str) -> None:
    """Connect once, as the service does."""
    database = open_database(url)
    try:
        await database.open()
    finally:
        await database.close()


def _print_waiting(why: str) -> None:
    print(f"DATABASE_URL: {why}: waiting", file=sys.stderr)  # noqa: T201 - Alembic's own way


def _migrate_exclusively(
    connection: Connection, settings: MigrationSettings, migrate: Callable[[Connection], None]
) -> None:
    if connection.dialect.name == "sqlite":
        # The first statement takes the file's write lock, and waits for it; the commit after the
        # last migration gives it back.
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA busy_timeout = {settings.lock_seconds * 1000}")
        migrate(connection)
        return
    _set_limit(connection, "lock_timeout", settings.lock_seconds or 0.001)  # 0 is no limit there.
    _set_limit(connection, "statement_timeout", settings.statement_seconds)
    _acquire_lock(connection, settings.statement_seconds)
    migrate(connection)  # Closing the connection gives the lock back, however this ends.


def _set_limit(connection: Connection, name: str, seconds: float) -> None:
    value = f"{seconds * 1000:.0f}ms"
    connection.execute(select(func.set_config(name, value, False)))  # noqa: FBT003 - SQL's
    connection.commit()


def _acquire_lock(connection: Connection, seconds: int) -> None:
    """Acquire the advisory lock, for the whole session.

    It is polled: a statement that waited for it would hold a snapshot, and the other migration's
    CREATE INDEX CONCURRENTLY would wait for that.
    """
    deadline = monotonic() + seconds
    printed = False
    while True:
        acquired = connection.execute(select(func.pg_try_advisory_lock(_LOCK))).scalar_one()
        connection.commit()
        if acquired:
            return
        if not printed:
            _print_waiting("another migration is running")
            printed = True
        if seconds and monotonic() > deadline:
            raise CommandError(
                f"DATABASE_URL: another migration has been running for over {seconds} s"
                " (MIGRATION_STATEMENT_SECONDS)"
            )
        sleep(_POLL_S)


@contextmanager
def _errors_explained(settings: MigrationSettings) -> Iterator[None]:
    """Raise ``CommandError`` for errors of the database; other errors pass as they are."""
    try:
        yield
    except (DatabaseError, DBAPIError, sqlite3.Error, asyncpg.PostgresError, OSError) as error:
        failure = _translate(error, settings.url)
        if not isinstance(failure, _OF_THE_DATABASE):
            raise
        raise CommandError(f"DATABASE_URL: {_describe(failure, settings)}") from error


def _translate(error: Exception, url: str) -> DatabaseError:
    """Return the library's error for one of the driver, also where SQLAlchemy wraps it."""
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


def _describe(failure: DatabaseError, settings: MigrationSettings) -> str:
    """Return what happened, and in which state that leaves the database."""
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
