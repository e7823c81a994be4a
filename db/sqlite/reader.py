"""Reading: on the event loop while it is quick, in a worker thread once it is not.

A row by its key takes some ten microseconds, a tenth of what handing it to a thread costs. So a
statement starts on the loop; one that takes longer than ``LOOP_BUDGET_S`` is interrupted, begun
again in a thread with a connection of its own, and goes there at once for the next minute. Nobody
has to say beforehand which statements are long. What counts is the thread's own processor time,
or a machine that is busy with something else would send every statement away.

Compiling and preparing can't be interrupted. So the first run of every statement is in a second
thread, where a slow one of another caller does not hold it up; and so is each run of a statement
whose text is long, or which matches a long pattern against long text: one row of those may take
longer than the budget.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from threading import Lock
from time import monotonic, thread_time
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy.orm import Session

from db.errors import StatementTooSlow
from db.sqlite.counts import CountCache
from db.sqlite.orm import SqliteSessions, run_orm
from db.sqlite.pragmas import connect
from db.sqlite.text import fetch_all
from db.sqlite.translation import translate
from db.statement import Row, Statement, Values, compile_in_thread
from db.threads import run_in_thread

T = TypeVar("T")

LOOP_BUDGET_S: Final = 0.010
"""How long a statement may hold up the event loop, in seconds."""

SLOW_SECONDS: Final = 60.0
"""How long a statement that was slow stays off the event loop, in seconds."""

_PATIENCE: Final = 5

STATEMENT_TIMEOUT_S: Final = 10.0
"""How long a statement may run at all, in seconds."""

FIRST_BUDGET_S: Final = 0.1
"""How long a statement may take in the thread of first runs, in seconds."""

_LONG_SQL: Final = 8_192
"""From this length on, in characters, preparing would hold up the loop for a millisecond."""

_LONG_PATTERN: Final = 32
"""From this length on, in characters, one LIKE against a text of 1 MB can take over 0.05 s."""

# SQLite's virtual machine does some 50 steps a microsecond; but one that matches a pattern against
# a long text takes up to a tenth of a millisecond.
_STEPS_BETWEEN_LOOKS: Final = 20_000
_STEPS_WITH_LONG_TEXT: Final = 1_000


class _TimedConnection:
    """A read-only connection that stops a statement at its deadline."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._seconds = seconds
        self._begun, self._begun_cpu = inf, 0.0
        self.driver = connect(path)
        self.driver.execute("PRAGMA query_only = ON")
        self._steps = 0
        self._look_every(_STEPS_BETWEEN_LOOKS)

    def _look_every(self, steps: int) -> None:
        if steps != self._steps:
            self._steps = steps
            self.driver.set_progress_handler(self._is_late, steps)

    def _is_late(self) -> int:
        elapsed = monotonic() - self._begun
        if elapsed < self._seconds:
            return False
        # Waiting for the disk takes no processor time, but holds up whoever waits all the same.
        worked = thread_time() - self._begun_cpu
        return worked > self._seconds / 2 or elapsed > self._seconds * _PATIENCE

    def run(self, statement: Statement, values: Values) -> list[Row]:
        long = statement.scans_long_text
        self._look_every(_STEPS_WITH_LONG_TEXT if long else _STEPS_BETWEEN_LOOKS)
        self._begun, self._begun_cpu = monotonic(), thread_time()
        try:
            return fetch_all(self.driver, statement.sql, statement.bind(values))
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise translate(error) from error
        finally:
            self._begun = inf  # What else runs on the connection has no deadline.


class Reader:
    """The one read connection of the event loop, and the thread for what is long.

    Enters as an async context manager at no cost: there is nothing to take or give back.
    """

    def __init__(self, path: Path) -> None:
        self._quick = _TimedConnection(path, LOOP_BUDGET_S)
        self._first = _TimedConnection(path, FIRST_BUDGET_S)
        self._patient = _TimedConnection(path, STATEMENT_TIMEOUT_S)
        self._first_turn = Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")
        self._counts = CountCache(self._quick.driver)
        self._sessions: SqliteSessions | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and give all its rows."""
        if monotonic() >= statement.slow_until:
            try:
                if statement.known and not (statement.scans_long_text and _has_long(values)):
                    return self._quick.run(statement, values)
                return await self._run_first(statement, values)
            except StatementTooSlow:
                statement.slow_until = monotonic() + SLOW_SECONDS
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._patient.run, statement, values)

    async def _run_first(self, statement: Statement, values: Values) -> list[Row]:
        """Compile, prepare and run a statement off the event loop."""
        await compile_in_thread(statement)
        rows = await run_in_thread("sqlite-first", self._run_alone, statement, values)
        statement.known = len(statement.sql) < _LONG_SQL
        return rows

    def _run_alone(self, statement: Statement, values: Values) -> list[Row]:
        with self._first_turn:
            return self._first.run(statement, values)

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and give its first row, or None."""
        rows = await self.fetch_all(statement, values)
        return rows[0] if rows else None

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        """Run a ``SELECT count(*)``, or give its result as of the last change."""
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
        """Run work with an ORM session for reading: a write in it is refused by SQLite."""
        if self._sessions is None:
            self._sessions = SqliteSessions(self._quick.driver)
        return run_orm(self._sessions, work)

    def close(self) -> None:
        """Wait for the threads, then close the connections."""
        self._thread.shutdown()
        with self._first_turn:
            for connection in (self._quick, self._first, self._patient):
                connection.driver.close()


def _has_long(values: Values) -> bool:
    """Tell whether one of the values may be a long pattern."""
    return any(isinstance(value, str) and len(value) > _LONG_PATTERN for value in values)
