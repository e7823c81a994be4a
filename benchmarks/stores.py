"""The databases under test: filled once, then set back to that state before each server.

A store is one stack's database. `seal` keeps what is there as the pristine state and
`reset` returns to it, so that every server of every round sees the same 10,000 rows.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from benchmarks.parts import COLUMNS, Part

QUOTED = ", ".join(f'"{name}"' for name in COLUMNS)
INDEX = 'CREATE INDEX "bench_modelNumber" ON parts ("modelNumber")'
COUNT = "SELECT count(*) FROM parts"

Stamp = Callable[[datetime], Any]


class Store(Protocol):
    """One stack's database."""

    @property
    def url(self) -> str:
        """Return the DATABASE_URL of the live database."""

    def create(self) -> None:
        """Make the live database empty, without a schema."""

    def fill(self, parts: Iterable[Part], stamp: Stamp) -> None:
        """Insert the parts, dates in the form that `stamp` gives them."""

    def add_index(self) -> None:
        """Index the column that the filter scenario filters on."""

    def seal(self) -> None:
        """Keep the live database as the pristine one."""

    def reset(self) -> None:
        """Make the live database the pristine one again; no server may run."""

    def count(self) -> int:
        """Return the number of parts in the live database."""


class SQLiteStore:
    """A database file and its pristine copy, in a folder of their own."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        self.path = folder / f"{name}.sqlite"
        self._pristine = folder / f"{name}.pristine"

    @property
    def url(self) -> str:
        """Return an absolute URL, four slashes."""
        return f"sqlite:///{self.path}"

    def create(self) -> None:
        """Remove the file: whoever opens it next makes it."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def fill(self, parts: Iterable[Part], stamp: Stamp) -> None:
        """Insert the parts in one transaction."""
        marks = ", ".join("?" * len(COLUMNS))
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executemany(
                f"INSERT INTO parts ({QUOTED}) VALUES ({marks})", (p.row(stamp) for p in parts)
            )

    def add_index(self) -> None:
        """Index modelNumber."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(INDEX)

    def seal(self) -> None:
        """Fold the write-ahead log into the file and copy it."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(self.path, self._pristine)

    def reset(self) -> None:
        """Copy the pristine file back."""
        self.create()
        shutil.copyfile(self._pristine, self.path)

    def count(self) -> int:
        """Count through a connection of our own, so only what was committed counts."""
        with closing(sqlite3.connect(self.path)) as connection:
            return int(connection.execute(COUNT).fetchone()[0])
