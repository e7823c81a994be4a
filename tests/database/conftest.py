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
    """The database of the file of notes; not yet open."""
    return SqliteDatabase(path)


def texts_in(path: Path) -> list[str]:
    """Return the notes' texts as another connection reads them."""
    with closing(sqlite3.connect(path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY id")]
