"""Is the database at the newest revision? The service does not start on any other."""

import asyncio
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.script import ScriptDirectory

from api.settings import CannotStart
from db.database import open_database, sqlite_path
from db.errors import DatabaseError

ROOT: Final = Path(__file__).resolve().parent.parent
COMMAND: Final = ".venv/bin/alembic upgrade head"


def alembic_config() -> Config:
    """Give Alembic's configuration, from pyproject.toml."""
    return Config(toml_file=ROOT / "pyproject.toml")


def newest_revision() -> str | None:
    """Give the revision that the code needs."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


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
