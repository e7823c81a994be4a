"""The databases under test, one for each competitor.

A database is filled once and saved by ``save_snapshot``; ``restore_snapshot`` precedes each server,
so that every server of every round sees the same 10,000 rows.
"""

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

from benchmarks.parts import COLUMNS, FormatTimestamp, Part, format_iso

CREATE_INDEX: Final = 'CREATE INDEX "bench_modelNumber" ON parts ("modelNumber")'
COUNT_PARTS: Final = "SELECT count(*) FROM parts"


class Database(Protocol):
    """One competitor's database."""

    @property
    def url(self) -> str:
        """Return the DATABASE_URL of the live database."""

    def create(self) -> None:
        """Create the live database, empty and without a schema."""

    def insert_parts(self, parts: Iterable[Part]) -> None:
        """Insert the parts."""

    def add_index(self) -> None:
        """Create an index on modelNumber, the column of the filter scenario."""

    def save_snapshot(self) -> None:
        """Save the live database as the snapshot."""

    def restore_snapshot(self) -> None:
        """Replace the live database by the snapshot; no server may be running."""

    def count_parts(self) -> int:
        """Return the number of committed parts in the live database."""


class SQLiteDatabase:
    """A database file and its snapshot.

    Args:
        folder: Does not exist yet.
        name: For the names of the files.
        format_timestamp: Returns the value that the competitor stores for a timestamp.
    """

    def __init__(
        self, folder: Path, name: str, format_timestamp: FormatTimestamp = format_iso
    ) -> None:
        folder.mkdir()
        self._format_timestamp = format_timestamp
        self.path = folder / f"{name}.sqlite"
        self._snapshot = folder / f"{name}.snapshot"

    @property
    def url(self) -> str:
        """Return an absolute URL (four slashes)."""
        return f"sqlite:///{self.path}"

    def create(self) -> None:
        """Remove the file; the next connection creates it."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def insert_parts(self, parts: Iterable[Part]) -> None:
        """Insert the parts in one transaction."""
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        marks = ", ".join("?" * len(COLUMNS))
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executemany(
                f"INSERT INTO parts ({names}) VALUES ({marks})",
                (part.to_row(self._format_timestamp) for part in parts),
            )

    def add_index(self) -> None:
        """Create an index on modelNumber."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(CREATE_INDEX)

    def save_snapshot(self) -> None:
        """Checkpoint the write-ahead log and copy the file."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(self.path, self._snapshot)

    def restore_snapshot(self) -> None:
        """Copy the snapshot back."""
        self.create()
        shutil.copyfile(self._snapshot, self.path)

    def count_parts(self) -> int:
        """Return the number of committed parts."""
        with closing(sqlite3.connect(self.path)) as connection:
            return int(connection.execute(COUNT_PARTS).fetchone()[0])
