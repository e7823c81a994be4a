"""Concurrent write requests on one SQLite file, and the model that their outcome is held against.

Each request writes rows under a tag of its own. Afterwards the file must hold all rows of each
acknowledged tag and none of a refused one; a cancelled request may have been either.
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
"""A row of this size has a trigger undo the whole transaction."""

WITH_TRIGGER: Final = 20_000
"""A row of this size goes to the table with the trigger: a full disk undoes the statement only."""

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
    """What one request does.

    Attributes:
        sizes: Its rows, in characters, or ``ROLLS_BACK``.
        by: ``statements``, ``orm`` or ``bulk``.
        swallows: Goes on after a row that failed, as a hook may.
        raises: Fails by itself after its rows.
        cancelled: Is cancelled after so many turns of the loop, if it is not through by then.
    """

    sizes: Sequence[int]
    by: str = "statements"
    swallows: bool = False
    raises: bool = False
    cancelled: int | None = None


class Refused(Exception):
    """A request failed by itself."""


@dataclass
class Model:
    """The outcome of all requests so far.

    Attributes:
        acknowledged: Tag to how many rows it wrote.
        refused: Tags of which nothing may be there.
        unknown: Tags of cancelled requests, to how many rows each has if any; None if any number.
        errors: What the database refused with.
    """

    acknowledged: dict[int, int] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    unknown: dict[int, int | None] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)

    def verify(self, path: Path) -> None:
        """Compare with the file, as another connection sees it."""
        with closing(sqlite3.connect(path)) as file:
            found = dict(file.execute("SELECT tag, count(*) FROM writes GROUP BY tag"))
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert {tag: found.get(tag, 0) for tag in self.acknowledged} == self.acknowledged
        assert not found.keys() & self.refused
        for tag in found.keys() & self.unknown.keys():
            assert self.unknown[tag] in {None, found[tag]}
        wrong = [error for error in self.errors if not isinstance(error, DatabaseError | Refused)]
        assert wrong == []


class Requests:
    """Sends requests to a database and notes what became of each."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._inserts = {table: _insert(table, database) for table in (PLAIN, TRIGGERED)}
        self._database = database
        self._tags = count(1)
        self.model = Model()

    async def send(self, requests: Sequence[Request]) -> None:
        """Send these at once; return when all are answered."""
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
            model.unknown[tag] = None if request.swallows else len(request.sizes)
        elif (error := task.exception()) is not None:
            model.refused.add(tag)
            model.errors.append(error)
        else:
            model.acknowledged[tag] = task.result()

    async def _write(self, tag: int, request: Request) -> int:
        if request.by == "bulk":
            async with self._database.bulk() as bulk, bulk.transaction(PLAIN):
                return await self._rows(tag, request, bulk)
        async with self._database.writing() as connection:
            return await self._rows(tag, request, connection)

    async def _rows(self, tag: int, request: Request, connection: Any) -> int:
        rows = [
            (tag, n, "undo" if size == ROLLS_BACK else "x" * size)
            for n, size in enumerate(request.sizes)
        ]
        if request.by == "orm":
            written: int = await connection.orm(lambda session: _add(session, rows, request))
        else:
            written = 0
            for row in rows:
                try:
                    await connection.fetch_all(self._inserts[_table(row)], row)
                    written += 1
                except DatabaseError:
                    if not request.swallows:
                        raise
        if request.raises:
            raise Refused
        return written


def _insert(table: sa.Table, database: SqliteDatabase) -> Statement:
    values = {column: param(n, column.type) for n, column in enumerate(table.columns)}
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
            if not request.swallows:
                raise
    return written


def create(path: Path) -> None:
    """Make the file."""
    with closing(connect(path)) as file:
        file.executescript(SCHEMA)


class Space:
    """The limit of a file's size that stands for the disk's."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def leave(self, pages: int | None) -> None:
        """Leave so many pages beyond those in use; None for no limit."""
        writer = self._database._writer
        assert writer is not None
        drivers = [writer._driver]
        if self._database._bulks is not None:
            drivers += [bulk._driver for bulk in self._database._bulks._idle]
        for driver in drivers:
            (used,) = driver.execute("PRAGMA page_count").fetchone()
            limit = 1_073_741_823 if pages is None else used + pages
            driver.execute(f"PRAGMA max_page_count = {limit}")
