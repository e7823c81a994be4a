"""Writing: one connection, one transaction at a time, many requests to a commit.

Waiting for the disk in a commit takes longer than the rest of a request. So requests that arrive
close together share a commit (group commit): each runs in a savepoint inside one transaction, and
each is acknowledged only after that is committed. While the disk works, in a thread, the event loop
serves other requests, and the writers that arrive meanwhile are the next group.

::

    BEGIN IMMEDIATE
      SAVEPOINT one   … RELEASE one      request A, waiting for the commit
      SAVEPOINT one   … ROLLBACK TO one  request B, failed; A and C are unaffected
      SAVEPOINT one   … RELEASE one      request C, waiting for the commit
    COMMIT                               A and C get their responses

If an error ends the whole transaction (``encore.database.sqlite.transaction_state``), all requests
of the group fail, and the next request begins another one. The same happens if the file turns out
to be replaced after the commit (``encore.database.sqlite.file``).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from math import inf
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy.orm import Session

from encore.database.cancellation import shield_until_done
from encore.database.errors import (
    ChangeRejected,
    DatabaseError,
    DatabaseNotReady,
    DatabaseUnavailable,
    ReadOnly,
    RolledBack,
    StatementTimeout,
)
from encore.database.sqlite.authors import TransactionAuthors
from encore.database.sqlite.file import DatabaseFile
from encore.database.sqlite.orm import SqliteSessions, run_orm
from encore.database.sqlite.pragmas import BUSY_TIMEOUT_MS, connect
from encore.database.sqlite.reader import LOOP_BUDGET_S, STATEMENT_TIMEOUT_S
from encore.database.sqlite.text import decode
from encore.database.sqlite.timed_connection import STEPS
from encore.database.sqlite.transaction_state import FAILURES, TransactionState
from encore.database.sqlite.write_lock import BUSY, WriteLock
from encore.database.statement import Row, Statement, Values, compile_in_thread

_LOCK_RETRY_S: Final = 0.005

_READING: Final = "SELECT"
"""What statements begin with that may only read, and take long: lists in a batch."""

T = TypeVar("T")


class Writer:
    """The write connection of a process.

    Attributes:
        file: The file that is written to.
        authors: Writes the author of each request's part.
        write_error: The error that writes raise now; None if writing is possible.
    """

    def __init__(self, path: Path, authors: TransactionAuthors) -> None:
        # SQLite must not wait, which would block the event loop: take_lock waits instead.
        self._driver = connect(path)
        self._driver.execute("PRAGMA busy_timeout = 0")
        # Reading a truncated file is then an error instead of a SIGBUS that ends the process.
        self._driver.execute("PRAGMA mmap_size = 0")
        # A statement that has changed rows cannot be run again to read them.
        self._driver.text_factory = decode
        self._driver.execute("SELECT count(*) FROM sqlite_master")  # Opens the write-ahead log.
        self._deadline = inf
        self._driver.set_progress_handler(self._must_end, STEPS)
        self.file = DatabaseFile(path)
        self.authors = authors
        self.write_error: DatabaseNotReady | None = None
        self._state = TransactionState(self._driver)
        self._lock = WriteLock()
        self._locked_since: float | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._group: asyncio.Future[None] | None = None
        self._sessions: SqliteSessions | None = None
        self._kept = 0

    def transaction(self) -> "Transaction":
        """Enter with a connection whose work is committed, or rolled back, as a whole."""
        return Transaction(self)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Hold the lock while another connection of this process writes.

        The current group is committed first; later requests wait in the queue.

        Raises:
            DatabaseNotReady: The file that the block has written to is no longer the database.
        """
        self._require_ready()
        async with self._lock:
            if self._group is not None:
                await shield_until_done(asyncio.create_task(self._commit_now(self._group)))
            self._verify()  # The other connection may have been opened later.
            yield
            self._verify()

    async def take_lock(self, begin: Callable[[], Awaitable[object]], since: float) -> None:
        """Take SQLite's write lock, holding ours; wait while another process has it.

        Args:
            begin: Begins a transaction, or raises a ``DatabaseError`` without waiting.
            since: When the wait began (``time.monotonic``).

        Raises:
            DatabaseUnavailable: The other process keeps the lock for too long.
        """
        while True:
            try:
                await begin()
            except DatabaseUnavailable as error:
                now = monotonic()
                if self._locked_since is None:
                    self._locked_since = now
                if not (error.code or "").startswith(BUSY) or now > since + BUSY_TIMEOUT_MS / 1000:
                    raise
                await asyncio.sleep(_LOCK_RETRY_S)
            else:
                self._locked_since = None
                return

    @property
    def locked_since(self) -> float:
        """Since when another process has held the lock, as far as known; otherwise now."""
        return monotonic() if self._locked_since is None else self._locked_since

    async def run(self, statement: Statement, values: Values) -> list[Row]:
        """Run a statement inside the current request's part of the transaction.

        A new statement is compiled and prepared in a thread, and so is one that takes long each
        time; the lock is held meanwhile, even if the caller is cancelled.
        """
        if statement.known:
            if not statement.sql.startswith(_READING):
                return self._run(statement, values)
            if not statement.is_heavy:
                try:
                    return self._run_for(LOOP_BUDGET_S, statement, values)
                except StatementTimeout:  # A SELECT that is interrupted has changed nothing.
                    statement.is_heavy = True
        await compile_in_thread(statement)
        loop = asyncio.get_running_loop()
        if statement.sql.startswith(_READING):
            job = loop.run_in_executor(
                self._thread, self._run_for, STATEMENT_TIMEOUT_S, statement, values
            )
            rows = await shield_until_done(job, self._driver.interrupt)
        else:
            rows = await shield_until_done(
                loop.run_in_executor(self._thread, self._run, statement, values)
            )
        statement.known = not statement.slow_until
        return rows

    def _run_for(self, seconds: float, statement: Statement, values: Values) -> list[Row]:
        """Run a statement that only reads; interrupt it after this time."""
        self._deadline = monotonic() + seconds
        try:
            return self._run(statement, values)
        finally:
            self._deadline = inf

    def _must_end(self) -> bool:
        return monotonic() > self._deadline

    def _run(self, statement: Statement, values: Values) -> list[Row]:
        state = self._state
        if state.lost is not None:
            state.require()
        try:
            cursor = self._driver.execute(statement.sql, statement.bind(values))
            rows = cursor.fetchall()
        except FAILURES as error:
            raise state.failed(error) from error
        if rows and not cursor.rowcount:  # A SELECT has -1.
            # RETURNING returns rows for a view even if no trigger writes them.
            raise ReadOnly("a view was written to")
        return rows

    def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session inside the current request's part of the transaction."""
        if self._sessions is None:
            self._sessions = SqliteSessions(self._driver, self._state)
        self._state.require()
        return run_orm(self._sessions, work)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Roll back what the block did, and only that, if it raises an ``Exception``."""
        state = self._state
        state.require()
        state.execute("SAVEPOINT part")
        try:
            yield
        except Exception as error:
            if isinstance(state.lost, ChangeRejected):
                raise RolledBack(str(state.lost), code=state.lost.code) from error
            if state.lost is None:
                state.execute("ROLLBACK TO part")
                state.execute("RELEASE part")
            raise
        state.require()
        state.execute("RELEASE part")

    async def enter(self) -> None:
        """Acquire the lock, and begin the group's transaction or join it.

        Raises:
            DatabaseUnavailable: That is impossible, or not possible in time.
        """
        self._require_ready()
        arrived = monotonic()
        await self._lock.acquire(arrived + BUSY_TIMEOUT_MS / 1000)
        try:
            if self._group is None:
                await self.take_lock(self._begin, arrived)
                self._group = asyncio.get_running_loop().create_future()
                self._kept = 0
                asyncio.get_running_loop().call_soon(self._commit_soon, self._group)
            self._state.execute("SAVEPOINT one")
            if self.authors.recorded:
                self._state.execute(*self.authors.to_set())
        except BaseException as error:
            if isinstance(error, DatabaseError) and self._group is not None:
                self._lose(self._group, error)
            self._lock.release()
            raise

    def leave(self, *, keep: bool) -> "asyncio.Future[None]":
        """End a request's part; return the future that is done when the group is committed."""
        group = self._group
        if group is None:  # pragma: no cover - enter() has created it
            raise DatabaseUnavailable("not in a transaction")
        try:
            self._state.require()
            if not keep:
                self._state.execute("ROLLBACK TO one")
            elif self.authors.recorded:
                self._state.execute(self.authors.to_forget())
            self._state.execute("RELEASE one")
            self._kept += keep
        except DatabaseError as error:
            self._lose(group, error)
        finally:
            self._lock.release()
        return group

    def _require_ready(self) -> None:
        if self.write_error is not None:
            raise copy(self.write_error)  # Each gets its own traceback.

    async def _begin(self) -> None:
        self._state.begin("BEGIN IMMEDIATE")

    def _commit_soon(self, group: "asyncio.Future[None]") -> None:
        """Start the commit once the requests of this iteration of the loop have joined."""
        task = asyncio.get_running_loop().create_task(self._commit(group))
        group.add_done_callback(lambda _: task)  # Keeps the task alive until it is done.

    async def _commit(self, group: "asyncio.Future[None]") -> None:
        """Commit once the lock is free, unless its last holder has committed."""
        async with self._lock:
            if not group.done():
                await self._commit_now(group)

    async def _commit_now(self, group: "asyncio.Future[None]") -> None:
        """Commit, holding the lock, and wake the waiting requests."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._state.execute, "COMMIT")
            self._verify()
        except DatabaseError as error:
            # A deferred constraint does not say whose row it rejects, unless there is only one.
            if self._kept == 1:
                self._end(group, error)
            else:
                self._lose(group, error)
        else:
            self._state.end()
            self._group = None
            group.set_result(None)

    def _lose(self, group: "asyncio.Future[None]", cause: DatabaseError) -> None:
        """Fail the group: its transaction is rolled back; other requests may retry."""
        if isinstance(cause, DatabaseNotReady):
            self._end(group, copy(cause))
        else:
            self._end(
                group, DatabaseUnavailable("the transaction was rolled back", code=cause.code)
            )

    def _end(self, group: "asyncio.Future[None]", error: DatabaseError) -> None:
        self._group = None
        group.set_exception(error)
        group.exception()  # Marks it as retrieved: no request may be waiting any more.
        self._state.end()

    def _verify(self) -> None:
        """Reject writes from now on if the file is no longer the database."""
        try:
            self.file.verify()
        except DatabaseNotReady as error:
            self.write_error = copy(error)
            raise

    async def close(self) -> None:
        """Finish the current commit, then close."""
        async with self._lock:
            if self._group is not None:
                await self._commit_now(self._group)
        self._thread.shutdown()
        self._driver.close()


class Transaction:
    """A request's part of a group; see ``Writer``."""

    __slots__ = ("_writer",)

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def __aenter__(self) -> Self:
        await self._writer.enter()
        return self

    async def __aexit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        committed = self._writer.leave(keep=error is None)
        if error is None:
            await asyncio.shield(committed)

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and return all its rows."""
        return await self._writer.run(statement, values)

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and return its first row, or None."""
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

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Roll back what the block did, and only that, if it raises an ``Exception``."""
        return self._writer.savepoint()
