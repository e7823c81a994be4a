"""Fresh databases: SQLite files in a directory of the test's own, PostgreSQL databases by name."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from alembic.config import Config
from sqlalchemy import make_url

from encore.database.sqlite import SqliteDatabase
from encore.database.sqlite.pragmas import connect
from tests.conftest import ROOT

NOTES = """
    CREATE TABLE notes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        text TEXT NOT NULL UNIQUE CHECK (text <> 'forbidden'),
        parent INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED
    )
"""


def alembic_config(url: str) -> Config:
    """Give Alembic's configuration, as the project's commands have it, for this database."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = url
    return config


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that is empty, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'fresh.sqlite'}"
        return
    server = make_url(request.getfixturevalue("postgres_url"))
    name = f"test_{uuid4().hex}"
    text = server.render_as_string(hide_password=False)
    asyncio.run(_execute(text, f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    asyncio.run(_execute(text, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A SQLite file with a table of notes."""
    path = tmp_path / "notes.sqlite"
    with closing(connect(path)) as connection:
        connection.execute(NOTES)
    return path


@pytest.fixture
def database(path: Path) -> SqliteDatabase:
    """The file of notes as the service has it; not yet open."""
    return SqliteDatabase(path)


def texts_in(path: Path) -> list[str]:
    """Give the notes' texts as another connection sees them."""
    with closing(sqlite3.connect(path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY id")]
