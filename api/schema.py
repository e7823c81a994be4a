"""Is the database at the newest revision? The service does not start on any other."""

import asyncio
from typing import Final

from api.settings import CannotStart
from db.drivers import open_database
from db.errors import DatabaseError
from db.urls import sqlite_path
from migrations import newest_revision

COMMAND: Final = ".venv/bin/alembic upgrade head"


def check_schema(url: str) -> None:
    """Refuse a database that is missing, unreadable, or not at the newest revision.

    Raises:
        CannotStart: Names the command to run.
    """
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise CannotStart(f"DATABASE_URL: there is no database yet; run {COMMAND}")
    try:
        revision = asyncio.run(_revision(url))
    except DatabaseError as error:
        raise CannotStart(f"DATABASE_URL: the database cannot be read: {error}") from error
    newest = newest_revision()
    if revision != newest:
        raise CannotStart(
            f"DATABASE_URL: the database is at revision {revision or 'none'}, the code needs"
            f" {newest}; run {COMMAND}"
        )


async def _revision(url: str) -> str | None:
    database = open_database(url)
    await database.open()
    try:
        return await database.revision()
    finally:
        await database.close()
