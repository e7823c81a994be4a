"""Writing: one connection, one transaction at a time, many requests to a commit.

A commit that waits for the disk takes longer than all else in a request. So requests that come
close together share one: each runs in a savepoint of its own inside one outer transaction, and
each is acknowledged only after that has been committed. While the disk works, in a thread, the
event loop serves others, and the writers that arrive meanwhile make up the next group.

::

    BEGIN IMMEDIATE
      SAVEPOINT one   … RELEASE one      request A, waiting for the commit
      SAVEPOINT one   … ROLLBACK TO one  request B, refused; A and C don't notice
      SAVEPOINT one   … RELEASE one      request C, waiting for the commit
    COMMIT                               A and C are answered
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy.orm import Session

from db.errors import DatabaseError, DatabaseUnavailable, ReadOnly
from db.sqlite.orm import SqliteSessions, run_orm
from db.sqlite.pragmas import BUSY_TIMEOUT_MS, connect
from db.sqlite.text import decode
from db.sqlite.translation import translate
from db.statement import Row, Statement, Values, compile_in_thread
from db.waiting import wait_through

_LOCK_RETRY_S: Final = 0.005
_PRIMARY: Final = 0xFF
"""Masks the primary result code in an extended one."""

T = TypeVar("T")


class Writer:
    """The one write connection of this process."""

    def __init__(self, path: Path) -> None:
        # No waiting inside SQLite: that would hold up the event loop. _begin waits for it.
        self._driver = connect(path)
        self._driver.execute("PRAGMA busy_timeout = 0")
        # What a statement has changed is changed: it cannot be run again to read its rows.
        self._driver.text_factory = decode
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._group: asyncio.Future[None] | None = None
        self._sessions: SqliteSessions | None = None
        self._kept = 0
        self._lost = False

    def transaction(self) -> "Transaction":
        """Enter with a connection whose work is committed, or undone, as a whole."""
        return Transaction(self)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Keep the turn while another connection of this process writes.

        The group under way is committed first; who comes later waits in line.
        """
        async with self._turn:
            if self._group is not None:
                await wait_through(asyncio.create_task(self._commit_now(self._group)))
            yield

    async def run(self, statement: Statement, values: Values) -> list[Row]:
        """Run one statement inside the transaction of whoever has the turn.

        One that is unknown yet is compiled and prepared in a thread. The turn is kept meanwhile,
        also when the caller is cancelled.
        """
        if statement.known:
            return self._run(statement, values)
        await compile_in_thread(statement)
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._thread, self._run, statement, values)
        rows = await wait_through(job)
        statement.known = True
        return rows

    def _run(self, statement: Statement, values: Values) -> list[Row]:
        try:
            cursor = self._driver.execute(statement.sql, statement.bind(values))
            rows = cursor.fetchall()
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            self._hold()
            raise translate(error) from error
        if rows and not cursor.rowcount:  # A SELECT has -1.
            # RETURNING gives rows for a view even where no trigger writes any.
            raise ReadOnly("a view was written to")
        return rows

    def _hold(self) -> None:
        """Open a transaction again if an error has ended it, so that no statement commits itself.

        ``RAISE(ROLLBACK)`` does that, or a full disk: everything of the group is undone.
        """
        if not self._driver.in_transaction:
            self._lost = True
            self._driver.execute("BEGIN")
            self._driver.execute("SAVEPOINT one")

    def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session inside the transaction of whoever has the turn."""
        if self._sessions is None:
            self._sessions = SqliteSessions(self._driver)
        try:
            return run_orm(self._sessions, work)
        finally:
            self._hold()

    async def enter(self) -> None:
        """Wait for the turn and open the group's transaction, or join it."""
        await self._turn.acquire()
        try:
            if self._group is None:
                await self._begin()
                self._group = asyncio.get_running_loop().create_future()
                self._kept = 0
                asyncio.get_running_loop().call_soon(self._commit_soon, self._group)
            self._driver.execute("SAVEPOINT one")
        except sqlite3.Error as error:
            self._turn.release()
            raise translate(error) from error
        except BaseException:
            self._turn.release()
            raise

    def leave(self, *, keep: bool) -> "asyncio.Future[None]":
        """End one request's part; the future is done when the group is committed."""
        group = self._group
        assert group is not None  # noqa: S101 - enter() made it, for mypy's sake
        try:
            if self._lost:
                self._lose(group)
                return group
            if not keep:
                self._driver.execute("ROLLBACK TO one")
            self._driver.execute("RELEASE one")
            self._kept += keep
        finally:
            self._turn.release()
        return group

    async def _begin(self) -> None:
        """Take the write lock, waiting while another process has it."""
        deadline = monotonic() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                self._driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                locked = error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY
                if not locked or monotonic() > deadline:
                    raise translate(error) from error
                await asyncio.sleep(_LOCK_RETRY_S)
            else:
                return

    def _commit_soon(self, group: "asyncio.Future[None]") -> None:
        """Start the commit once those who are ready in this turn of the loop have joined."""
        task = asyncio.get_running_loop().create_task(self._commit(group))
        group.add_done_callback(lambda _: task)  # Keeps the task alive until it is through.

    async def _commit(self, group: "asyncio.Future[None]") -> None:
        """Commit when the turn is free, unless somebody who had it has done so."""
        async with self._turn:
            if not group.done():
                await self._commit_now(group)

    async def _commit_now(self, group: "asyncio.Future[None]") -> None:
        """Commit, having the turn, and tell all who wait."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._driver.execute, "COMMIT")
        except sqlite3.Error as error:
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")
            failure = translate(error)
            # A deferred constraint does not say whose row it refuses, unless there is one only.
            if self._kept != 1:
                failure = DatabaseUnavailable(str(error), code=failure.code)
            _fail(group, failure)
        else:
            group.set_result(None)
        finally:
            self._group = None

    def _lose(self, group: "asyncio.Future[None]") -> None:
        """Fail the group: an error has undone the transaction, the others may try again."""
        self._lost = False
        self._group = None
        self._driver.execute("ROLLBACK")
        _fail(group, DatabaseUnavailable("the transaction was undone"))

    async def close(self) -> None:
        """Wait for the commit under way, then close."""
        async with self._turn:
            pass
        self._thread.shutdown()
        self._driver.close()


def _fail(group: "asyncio.Future[None]", error: DatabaseError) -> None:
    group.set_exception(error)
    group.exception()  # Retrieved here: a group may have nobody waiting any more.


class Transaction:
    """One request's part of a group; see ``Writer``."""

    __slots__ = ("_writer",)

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def __aenter__(self) -> Self:
        await self._writer.enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        committed = self._writer.leave(keep=error is None)
        if error is None:
            await asyncio.shield(committed)

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and give all its rows."""
        return await self._writer.run(statement, values)

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and give its first row, or None."""
        rows = await self._writer.run(statement, values)
        return rows[0] if rows else None

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        """Run a ``SELECT count(*)``, uncached: this transaction may have changed it."""
        rows = await self._writer.run(statement, values)
        count: int = rows[0][0]
        return count

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session inside this transaction."""
        return self._writer.orm(work)
