"""Reading rows as they were: a connection for the statements of one request.

``past_statement`` says how. A state is unknown before a table's history begins; entries that have
been deleted (``prune-history``) are unknown too.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Dialect, Table, func, select, text
from sqlalchemy.orm import Session

from encore.database.errors import InvalidStatement
from encore.database.history import RecordedTable, recorded_table_of
from encore.database.history.recorded_table import (
    BASELINE,
    BEGAN,
    BEGINNINGS,
    EXPIRED,
    OPERATION,
    RECORDED_AT,
)
from encore.database.protocol import Connection
from encore.database.statement import Row, Statement, Values, compile_in_thread
from encore.errors import HistoryUnavailable, InvalidQuery
from encore.query.filters import Condition, RawFilter
from encore.sql.past_statement import (
    PastStatement,
    State,
    impossible,
    tables_of,
    timestamp_value,
)
from encore.types import format_timestamp, parse_datetime

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PastReads:
    """How one request reads past rows.

    Attributes:
        state: Which versions it reads.
        at: The time; None for the latest versions.
        one_row: Whether it reads one row of its table: then it does not matter when the histories
            of others began.
        table: The name of the resource's own table.
        current: The names of tables that are read as they are now.
    """

    state: State
    table: str
    at: datetime | None = None
    one_row: bool = False
    current: frozenset[str] = frozenset()

    def with_criteria(self, conditions: Iterable[Condition]) -> "PastReads":
        """Return the same with the other tables that criteria of hooks read as they are now.

        Criteria are policies: who was once permitted to see a row may not be so now.

        Raises:
            InvalidQuery: They read a table that has a history, which would hide its present.
        """
        current = set()
        for condition in conditions:
            if not isinstance(condition, RawFilter):
                continue
            for table in tables_of(condition.expression):
                if table.name == self.table:
                    continue
                if recorded_table_of(table) is not None:
                    raise impossible(f"a condition of the service reads {table.name}")
                current.add(table.name)
        return replace(self, current=frozenset(current)) if current else self


class PastConnection:
    """A connection for reading, on which recorded tables are as they were.

    Args:
        connection: The connection.
        reads: Which versions are read.

    Every method that reads raises ``HistoryUnavailable`` for a time before the beginning of a
    history, and ``InvalidQuery`` for a statement that reads a table without a history.
    """

    def __init__(self, connection: Connection, reads: PastReads) -> None:
        self._connection = connection
        self._reads = reads
        self._known: set[str] = set()

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and return all its rows."""
        past = await self._past(statement)
        try:
            return await self._connection.fetch_all(past, self._values(values, past.dialect))
        except InvalidStatement as error:
            raise _unrecorded() from error

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and return its first row, or None."""
        past = await self._past(statement)
        try:
            return await self._connection.fetch_one(past, self._values(values, past.dialect))
        except InvalidStatement as error:
            raise _unrecorded() from error

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        """Run a ``SELECT count(*)``."""
        past = await self._past(statement)
        try:
            return await self._connection.fetch_count(past, self._values(values, past.dialect))
        except InvalidStatement as error:
            raise _unrecorded() from error

    async def orm(self, work: Callable[[Session], T]) -> T:  # noqa: ARG002 - the protocol's
        """Raise ``RuntimeError``: sessions read the present."""
        raise RuntimeError("an ORM session cannot read past rows")

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Raise ``RuntimeError``: there is no transaction to return to."""
        raise RuntimeError("a connection for reading has no savepoints")

    def _values(self, values: Values, dialect: Dialect) -> Values:
        at = self._reads.at
        return values if at is None else (*values, timestamp_value(at, dialect))

    async def _past(self, statement: Statement) -> PastStatement:
        reads, variants = self._reads, statement.variants
        key = (reads.state, reads.current)
        past: PastStatement | None = variants.get(key)
        if past is None:
            past = PastStatement(statement, reads.state, reads.current)
            await compile_in_thread(past)
            variants[key] = past
        if reads.state is State.AT_TIME:
            for recorded, history in past.recorded:
                await self._check_known(recorded, history, past.dialect)
        return past

    async def _check_known(self, recorded: RecordedTable, history: Table, dialect: Dialect) -> None:
        """Raise ``HistoryUnavailable`` for a time before the beginning of a history."""
        at = self._reads.at
        if recorded.table in self._known or at is None:
            return
        self._known.add(recorded.table)
        found = await self._connection.fetch_one(_beginnings(history, dialect), ())
        expired, began, baseline = (None, None, None) if found is None else map(_parsed, found)
        if expired is not None and at < expired:
            raise unknown_before(expired, is_expired=True)
        if self._reads.one_row and recorded.table == self._reads.table:
            baseline = None
        beginning = max((time for time in (began, baseline) if time is not None), default=None)
        if beginning is None or at < beginning:
            raise unknown_before(beginning)


def _unrecorded() -> InvalidQuery:
    """Return the error for a statement that reads what a table has but its history has not."""
    return impossible("a column of these rows is not recorded")


def unknown_before(beginning: datetime | None, *, is_expired: bool = False) -> HistoryUnavailable:
    """Return the error for a time before the beginning of a history."""
    if beginning is None:
        return HistoryUnavailable("The history has not begun")
    shown = format_timestamp(beginning)
    if is_expired:
        return HistoryUnavailable(f"The history before {shown} has been deleted")
    return HistoryUnavailable(f"The history is unknown before {shown}")


@cache
def _beginnings(history: Table, dialect: Dialect) -> Statement:
    """Return the SELECT of the times before which something is unknown, by cause."""
    return Statement(
        select(
            *(
                select(func.max(history.c[RECORDED_AT]))
                .where(history.c[OPERATION] == operation, text(BEGINNINGS))
                .scalar_subquery()
                for operation in (EXPIRED, BEGAN, BASELINE)
            )
        ),
        dialect,
    )


def _parsed(timestamp: Any) -> datetime | None:
    """Return a timestamp that the driver returned; SQLite stores text."""
    return parse_datetime(timestamp) if isinstance(timestamp, str) else timestamp
