"""Reading: quick statements on the event loop, slow ones in worker threads.

Reading a row by its key takes about ten microseconds, a tenth of what a thread would cost. So a
statement starts on the loop; if it takes longer than ``LOOP_BUDGET_S`` it is interrupted, restarted
in a thread with a separate connection, and runs there for the next minute. So no statement has to
be declared slow beforehand.

Compiling and preparing cannot be interrupted. So the first run of every statement is in a thread
too, in other threads than the slow statements' so as not to wait for them. So is each run of a
statement with a long text, or which matches a long pattern against long text: one row of those may
take longer than the budget.

Clients share the threads fairly (``encore.database.sqlite.reading_threads``), and a slow statement
ends when its caller disconnects. Statements that block the loop for a millisecond or more take
turns: a hundred searches of one client do not add up to a second of waiting for all.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy.orm import Session

from encore.database.callers import cancel_on_disconnect, current_caller
from encore.database.errors import StatementTimeout
from encore.database.fair_queue import FairQueue
from encore.database.sqlite.count_cache import CountCache
from encore.database.sqlite.orm import SqliteSessions, run_orm
from encore.database.sqlite.reading_threads import ReadingThreads
from encore.database.sqlite.timed_connection import STEPS, TimedConnection
from encore.database.statement import Row, Statement, Values, compile_in_thread

T = TypeVar("T")

LOOP_BUDGET_S: Final = 0.010
"""How long a statement may block the event loop, in seconds."""

SLOW_SECONDS: Final = 60.0
"""How long a slow statement stays off the event loop, in seconds."""

STATEMENT_TIMEOUT_S: Final = 10.0
"""The time limit of every statement, in seconds."""

SLOW_READS: Final = 4
"""How many slow statements run at a time; one client may run all but one of them."""

_SLOW_STEPS: Final = 10 * STEPS

FIRST_BUDGET_S: Final = 0.1
"""The time limit of a first run, in seconds; then the statement counts as slow."""

FIRST_RUNS: Final = 2
"""How many first runs there are at a time; one client may have all but one of them."""

_WAITING: Final = 1_000

_LONG_SQL: Final = 8_192
"""From this length on, in characters, preparing would block the loop for a millisecond."""

_LONG_PATTERN: Final = 32
"""From this length on, in characters, one LIKE against 1 MB of text can take over 0.05 s."""


class Reader:
    """The read connection of the event loop, and the threads for slow statements.

    As an async context manager it does nothing: there is nothing to acquire or release.
    """

    def __init__(self, path: Path) -> None:
        self._quick = TimedConnection(path, LOOP_BUDGET_S)
        self._first = ReadingThreads(
            path,
            "sqlite-first",
            count=FIRST_RUNS,
            share=FIRST_RUNS - 1,
            seconds=FIRST_BUDGET_S,
            steps=STEPS,
        )
        self._slow = ReadingThreads(
            path,
            "sqlite-slow",
            count=SLOW_READS,
            share=SLOW_READS - 1,
            seconds=STATEMENT_TIMEOUT_S,
            steps=_SLOW_STEPS,
        )
        self._turns = FairQueue(1, share=1, waiting=_WAITING, seconds=STATEMENT_TIMEOUT_S)
        self._counts = CountCache(self._quick.driver)
        self._sessions: SqliteSessions | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and return all its rows."""
        if _may_be_quick(statement, values):
            if statement.is_heavy:
                await self._take_turn()
            try:
                return self._quick.run(statement, values)
            except StatementTimeout:
                statement.slow_until = monotonic() + SLOW_SECONDS
        return await cancel_on_disconnect(self._run_in_thread(statement, values))

    async def _take_turn(self) -> None:
        """Wait for the client's turn to block the event loop.

        Each iteration of the loop runs one heavy statement, and any number of quick ones.
        """
        slot = await self._turns.acquire(current_caller.get())
        asyncio.get_running_loop().call_soon(self._turns.release, slot)

    async def _run_in_thread(self, statement: Statement, values: Values) -> list[Row]:
        """Run a statement in a thread: one for first runs, or for slow statements."""
        if monotonic() >= statement.slow_until:
            await compile_in_thread(statement)
            try:
                rows = await self._first.run(statement, values)
            except StatementTimeout:
                statement.slow_until = monotonic() + SLOW_SECONDS
            else:
                is_short = len(statement.sql) < _LONG_SQL
                statement.known = is_short and not statement.is_uninterruptible
                return rows
        return await self._slow.run(statement, values)

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and return its first row, or None."""
        rows = await self.fetch_all(statement, values)
        return rows[0] if rows else None

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        """Run a ``SELECT count(*)``, or return its cached result."""
        await compile_in_thread(statement)
        version = self._counts.version()
        known = self._counts.get(statement, values)
        if known is not None:
            return known
        rows = await self.fetch_all(statement, values)
        count: int = rows[0][0]
        self._counts.put(statement, values, count, version)
        return count

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session for reading; SQLite rejects writes."""
        if self._sessions is None:
            self._sessions = SqliteSessions(self._quick.driver)
        return run_orm(self._sessions, work)

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Raise ``RuntimeError``: there is no transaction to return to."""
        raise RuntimeError("a connection for reading has no savepoints")

    def close(self) -> None:
        """Stop the statements in threads, then close the connections."""
        for threads in (self._first, self._slow):
            threads.close()
        self._quick.driver.close()


def _may_be_quick(statement: Statement, values: Values) -> bool:
    """Return whether a statement may be started on the event loop."""
    if not statement.known or monotonic() < statement.slow_until:
        return False
    return not (statement.scans_long_text and _has_long(values))


def _has_long(values: Values) -> bool:
    """Return whether one of the values may be a long pattern."""
    return any(isinstance(value, str) and len(value) > _LONG_PATTERN for value in values)
