"""Concurrent write requests on one SQLite file, and a model of their expected outcome.

Each request writes rows with a unique tag. Afterwards the file must contain all rows of each
acknowledged tag and none of a rejected one; a cancelled request may be either.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from encore.database.errors import DatabaseError
from encore.database.sqlite import SqliteDatabase
from encore.database.sqlite.pragmas import connect
from encore.database.statement import Statement, param

ROLLS_BACK: Final = -1
"""A row of this size makes a trigger roll back the whole transaction."""

WITH_TRIGGER: Final = 20_000
"""A row of this size goes to the table with the trigger: a full disk then undoes one statement."""

METADATA: Final = sa.MetaData()
PLAIN, TRIGGERED = (
    sa.Table(
        name,
        METADATA,
        sa.Column("tag", sa.Integer),
        sa.Column("n", sa.Integer),
        sa.Column("data", sa.Text),
    )
    for name in ("plain", "triggered")
)
SCHEMA: Final = """
    CREATE TABLE plain (tag INTEGER NOT NULL, n INTEGER NOT NULL, data TEXT NOT NULL);
    CREATE TABLE triggered (tag INTEGER NOT NULL, n INTEGER NOT NULL, data TEXT NOT NULL);
    CREATE TRIGGER undo BEFORE INSERT ON triggered WHEN NEW.data = 'undo'
    BEGIN SELECT RAISE(ROLLBACK, 'undone'); END;
    CREATE VIEW writes AS SELECT tag FROM plain UNION ALL SELECT tag FROM triggered;
"""


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        sizes: The length of each row's text in characters, or ``ROLLS_BACK``.
        method: ``statements``, ``orm`` or ``bulk``.
        ignores_errors: Whether it continues after a failed row, as a hook may.
        raises: Whether it raises ``RequestFailed`` after its rows.
        cancelled: The iterations of the event loop after which it is cancelled; None for never.
    """

    sizes: Sequence[int]
    method: str = "statements"
    ignores_errors: bool = False
    raises: bool = False
    cancelled: int | None = None


class RequestFailed(Exception):
    """A request raised an exception by itself."""


@dataclass
class Model:
    """The outcome of all requests so far.

    Attributes:
        acknowledged: The number of written rows by tag.
        rejected: Tags of which no row may exist.
        unknown: The number of rows, if any exist, by tag of a cancelled request; None for any.
        errors: The exceptions of rejected requests.
    """

    acknowledged: dict[int, int] = field(default_factory=dict)
    rejected: set[int] = field(default_factory=set)
    unknown: dict[int, int | None] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)

    def verify(self, path: Path) -> None:
        """Compare with the file, read on another connection."""
        with closing(sqlite3.connect(path)) as file:
            stored = dict(file.execute("SELECT tag, count(*) FROM writes GROUP BY tag"))
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert {tag: stored.get(tag, 0) for tag in self.acknowledged} == self.acknowledged
        assert not stored.keys() & self.rejected
        for tag in stored.keys() & self.unknown.keys():
            assert self.unknown[tag] in {None, stored[tag]}
        unexpected = [
            error for error in self.errors if not isinstance(error, DatabaseError | RequestFailed)
        ]
        assert unexpected == []


class RequestSender:
    """Sends requests to a database and records their outcomes."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._inserts = {table: _insert(table, database) for table in (PLAIN, TRIGGERED)}
        self._database = database
        self._tags = count(1)
        self.model = Model()

    async def send(self, requests: Sequence[Request]) -> None:
        """Send the requests concurrently; return when all have ended."""
        await asyncio.gather(*(self._send(request) for request in requests))

    async def _send(self, request: Request) -> None:
        tag, model = next(self._tags), self.model
        task = asyncio.create_task(self._write(tag, request))
        if request.cancelled is not None:
            for _ in range(request.cancelled):
                await asyncio.sleep(0)
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
        if task.cancelled():
            model.unknown[tag] = None if request.ignores_errors else len(request.sizes)
        elif (error := task.exception()) is not None:
            model.rejected.add(tag)
            model.errors.append(error)
        else:
            model.acknowledged[tag] = task.result()

    async def _write(self, tag: int, request: Request) -> int:
        if request.method == "bulk":
            async with self._database.bulk() as bulk, bulk.transaction(PLAIN):
                return await self._rows(tag, request, bulk)
        async with self._database.writing() as connection:
            return await self._rows(tag, request, connection)

    async def _rows(self, tag: int, request: Request, connection: Any) -> int:
        rows = [
            (tag, number, "undo" if size == ROLLS_BACK else "x" * size)
            for number, size in enumerate(request.sizes)
        ]
        if request.method == "orm":
            written: int = await connection.orm(lambda session: _add(session, rows, request))
        else:
            written = 0
            for row in rows:
                try:
                    await connection.fetch_all(self._inserts[_table(row)], row)
                    written += 1
                except DatabaseError:
                    if not request.ignores_errors:
                        raise
        if request.raises:
            raise RequestFailed
        return written


def _insert(table: sa.Table, database: SqliteDatabase) -> Statement:
    values = {column: param(number, column.type) for number, column in enumerate(table.columns)}
    return Statement(sa.insert(table).values(values), database.dialect)


def _table(row: Sequence[Any]) -> sa.Table:
    triggered = row[2] == "undo" or len(row[2]) == WITH_TRIGGER
    return TRIGGERED if triggered else PLAIN


def _add(session: Session, rows: Sequence[tuple[Any, ...]], request: Request) -> int:
    written = 0
    for row in rows:
        try:
            with session.begin_nested():
                session.execute(sa.insert(_table(row)).values(row))
            written += 1
        except sa.exc.DBAPIError:
            if not request.ignores_errors:
                raise
    return written


def create_file(path: Path) -> None:
    """Create the file."""
    with closing(connect(path)) as file:
        file.executescript(SCHEMA)


class DiskSpace:
    """Limits the size of the file in place of the disk."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def leave(self, pages: int | None) -> None:
        """Leave this many free pages; None for no limit."""
        writer = self._database._writer
        assert writer is not None
        drivers = [writer._driver]
        if self._database._bulks is not None:
            drivers += [bulk._driver for bulk in self._database._bulks._idle]
        for driver in drivers:
            (used,) = driver.execute("PRAGMA page_count").fetchone()
            limit = 1_073_741_823 if pages is None else used + pages
            driver.execute(f"PRAGMA max_page_count = {limit}")
