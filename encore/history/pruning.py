"""``prune history``: deletes the versions of rows that are older than the retention.

What was current at the horizon stays, so that every later state can still be read. A mark in the
history table says from when on: it is written first, so that no time before it is answered from
entries that are about to be deleted. Entries are deleted in small transactions.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Table, and_, delete, func, insert, or_, select
from sqlalchemy import false as sql_false

from encore.database.errors import DatabaseError
from encore.database.history.recorded_table import (
    EXISTS,
    EXPIRED,
    OPERATION,
    RECORDED_AT,
    SEQUENCE,
)
from encore.database.protocol import Database
from encore.database.statement import Statement, param
from encore.errors import StartupError
from encore.resource.histories import ResourceHistory
from encore.sql.past_statement import timestamp_value
from encore.types import UtcDateTime

BATCH_ENTRIES: Final = 2_000
"""How many entries one transaction looks at."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted of one history.

    Attributes:
        table: The name of the history table.
        entries: How many entries were deleted, or would be.
        before: The time before which the history is unknown now.
    """

    table: str
    entries: int
    before: datetime


def prune_histories(
    database: Database, histories: Sequence[ResourceHistory], *, dry_run: bool
) -> list[Pruned]:
    """Delete the entries of histories that are older than their retention.

    Args:
        database: The database, which is opened and closed.
        histories: The histories; those without a retention keep everything.
        dry_run: Whether to count the entries only.

    Raises:
        StartupError: No history has a retention, or the database fails.
    """
    limited = [history for history in histories if history.retention is not None]
    if not limited:
        raise StartupError("prune history: no resource has a history with a retention")
    return asyncio.run(_prune_all(database, limited, dry_run=dry_run))


async def _prune_all(
    database: Database, histories: Iterable[ResourceHistory], *, dry_run: bool
) -> list[Pruned]:
    try:
        await database.open()
        try:
            return [await prune(database, history, dry_run=dry_run) for history in histories]
        finally:
            await database.close()
    except DatabaseError as error:
        reason = type(error).__name__
        raise StartupError(f"prune history: the database failed: {reason}") from error


async def prune(database: Database, history: ResourceHistory, *, dry_run: bool = False) -> Pruned:
    """Delete the entries of one history that are older than its retention.

    Raises:
        ValueError: It has no retention.
        DatabaseError: The database fails.
    """
    if history.retention is None:
        raise ValueError(f"{history.table.name} has no retention")
    before = datetime.now(UTC) - history.retention
    pruning = _Pruning(database, history, before)
    if not dry_run:
        await pruning.mark()
    entries = await pruning.run(dry_run=dry_run)
    return Pruned(history.table.name, entries, before)


class _Pruning:
    def __init__(self, database: Database, history: ResourceHistory, before: datetime) -> None:
        self._database = database
        self._table = history.table
        self._key = history.recorded.key
        self._dialect = database.dialect
        self._before = timestamp_value(before, database.dialect)

    async def mark(self) -> None:
        """Record the horizon, unless an earlier run had a later one."""
        table, at = self._table, param(0, UtcDateTime())
        marks = table.c[OPERATION] == EXPIRED
        older = delete(table).where(marks, table.c[RECORDED_AT] < at).returning(table.c[SEQUENCE])
        known = select(table.c[SEQUENCE]).where(marks).limit(1)
        values = {table.c[OPERATION]: EXPIRED, table.c[RECORDED_AT]: at}
        values[table.c[EXISTS]] = sql_false()
        mark = insert(table).values(values).returning(table.c[SEQUENCE])
        async with self._database.writing() as connection:
            await connection.fetch_all(Statement(older, self._dialect), (self._before,))
            if await connection.fetch_one(Statement(known, self._dialect), ()) is None:
                await connection.fetch_all(Statement(mark, self._dialect), (self._before,))

    async def run(self, *, dry_run: bool) -> int:
        """Delete the entries, a range of sequences at a time; return how many."""
        table, sequence = self._table, self._table.c[SEQUENCE]
        following = select(sequence).where(
            sequence > param(0, BigInteger()), table.c[RECORDED_AT] <= param(1, UtcDateTime())
        )
        following = following.order_by(sequence).limit(param(2, BigInteger()))
        next_range = Statement(select(func.max(following.subquery().c[SEQUENCE])), self._dialect)
        expired = self._expired(self._table)
        statement = Statement(
            select(sequence).where(*expired)
            if dry_run
            else delete(table).where(*expired).returning(sequence),
            self._dialect,
        )
        entries, last = 0, 0
        while True:
            opened = self._database.reading() if dry_run else self._database.writing()
            async with opened as connection:
                limit = (last, self._before, BATCH_ENTRIES)
                row = await connection.fetch_one(next_range, limit)
                if row is None or row[0] is None:
                    return entries
                values = (self._before, last, row[0])
                entries += len(await connection.fetch_all(statement, values))
                last = row[0]

    def _expired(self, table: Table) -> list[ColumnElement[bool]]:
        """Return the condition of entries that no state from the horizon on needs.

        Values: the horizon, the sequence before the first entry, and that of the last.
        """
        at, first, last = (
            param(0, UtcDateTime()),
            param(1, BigInteger()),
            param(2, BigInteger()),
        )
        later: Any = table.alias()
        same = [later.c[name] == table.c[name] for name in self._key]
        superseded = (
            select(later.c[SEQUENCE])
            .where(*same, later.c[SEQUENCE] > table.c[SEQUENCE], later.c[RECORDED_AT] <= at)
            .exists()
        )
        is_row = table.c[self._key[0]].is_not(None)
        is_deletion = and_(~table.c[EXISTS], table.c[RECORDED_AT] <= at)
        return [
            table.c[SEQUENCE] > first,
            table.c[SEQUENCE] <= last,
            is_row,
            or_(superseded, is_deletion),
        ]


def describe(pruned: Pruned, *, dry_run: bool) -> str:
    """Return the line that reports what was deleted of one history."""
    entries = f"{pruned.entries} {'entry' if pruned.entries == 1 else 'entries'}"
    return f"{pruned.table}: {entries} {'would be deleted' if dry_run else 'deleted'}"
