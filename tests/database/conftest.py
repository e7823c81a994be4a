"""A SQLite file with a table of notes, and its database object."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from encore.database.sqlite import SqliteDatabase
from encore.database.sqlite.pragmas import connect

NOTES = """
    CREATE TABLE notes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        text TEXT NOT NULL UNIQUE CHECK (text <> 'forbidden'),
        parent INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED
    )
"""


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
