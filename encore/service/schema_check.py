"""Is the database at the newest revision? The service does not start on any other."""

import asyncio
from typing import Final

import structlog

from encore.database.errors import DatabaseError
from encore.database.factory import open_database
from encore.database.startup import reason, when_ready
from encore.database.urls import sqlite_path
from encore.settings import StartupError
from migrations import newest_revision

COMMAND: Final = ".venv/bin/alembic upgrade head"


def check_schema(url: str, *, wait_seconds: int = 0) -> None:
    """Refuse a database that is missing, unreadable, or not at the newest revision.

    Args:
        url: The database's.
        wait_seconds: For how long to wait for it while it is starting.

    Raises:
        CannotStart: Names the command to run.
    """
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise StartupError(f"DATABASE_URL: there is no database yet; run {COMMAND}")
    try:
        revision = asyncio.run(when_ready(lambda: _revision(url), wait_seconds, tell_waiting))
    except DatabaseError as error:
        raise StartupError(f"DATABASE_URL: the database cannot be read: {reason(error)}") from error
    newest = newest_revision()
    if revision != newest:
        raise StartupError(
            f"DATABASE_URL: the database is at revision {revision or 'none'}, the code needs"
            f" {newest}; run {COMMAND}"
        )


def tell_waiting(why: str) -> None:
    """Log that a start waits for the database."""
    structlog.get_logger("encore.start").warning("database.waiting", reason=why)


async def _revision(url: str) -> str | None:
    database = open_database(url)
    try:
        await database.open()
        return await database.revision()
    finally:
        await database.close()
