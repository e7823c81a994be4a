"""Bulk work on a SQLite file, with a separate connection and thread.

Temporary tables are in a file that SQLite deletes, so memory stays flat however many rows are
loaded. They are filled without a lock. A transaction that changes the file first takes the writer's
lock in this process, so that other writers wait in its queue and not for SQLite's lock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable, DropTable

from encore.database.cancellation import shield_until_done
from encore.database.errors import ChangeRejected, DatabaseError, RolledBack
from encore.database.sqlite.error_mapping import translate
from encore.database.sqlite.orm import SqliteSessions, run_orm
from encore.database.sqlite.pragmas import connect
from encore.database.sqlite.text import decode
from encore.database.sqlite.transaction_state import FAILURES, TransactionState
from encore.database.sqlite.writer import Writer
from encore.database.statement import Row, Statement, Values, param
from encore.database.threads import MAX_BULK_CONNECTIONS, short_switch_interval

_PRAGMAS: Final = (
    "temp_store = FILE",
    "cache_size = -16384",  # In KiB: filling indexes is a third faster than with 2 MiB.
    "mmap_size = 0",  # A mapped file would count as memory of the process.
    "busy_timeout = 0",  # Writer.take_lock waits.
)
T = TypeVar("T")


class SqliteBulk:
    """A connection for bulk work; see ``encore.database.protocol.BulkConnection``.

    Attributes:
        is_reusable: Whether the connection is in its initial state.
    """

    def __init__(self, path: Path, writer: Writer, dialect: Dialect) -> None:
        self._writer = writer
        self._dialect = dialect
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-bulk")
        self._driver = connect(path, create=False)
        self._driver.text_factory = decode  # As in the writer.
        for pragma in _PRAGMAS:
            self._driver.execute(f"PRAGMA {pragma}")
        self._state = TransactionState(self._driver)
        self._sessions: SqliteSessions | None = None
        self.is_reusable = True

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run work in the thread; if cancelled, wait for it to end."""
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._thread, partial(work, *arguments))
        return await shield_until_done(job, hurry=self._driver.interrupt)

    @asynccontextmanager
    async def temporary(self, table: Table) -> AsyncIterator[None]:
        """Create a temporary table, and drop it at the end of the block.

        If dropping it fails, the connection is not reused; the result of the block stays.
        """
        self.is_reusable = False
        try:
            await self._execute(str(CreateTable(table).compile(dialect=self._dialect)))
            yield
        finally:
            drop = DropTable(table, if_exists=True)
            with suppress(DatabaseError):
                await self._execute(str(drop.compile(dialect=self._dialect)))
                await self._execute("PRAGMA shrink_memory")
                self.is_reusable = True

    async def load(self, table: Table, batches: Iterator[Sequence[Row]]) -> None:
        """Load rows into a temporary table, a batch at a time in the thread."""
        values = {column: param(n, column.type) for n, column in enumerate(table.columns)}
        statement = Statement(insert(table).values(values), self._dialect)
        while await self.run(self._load_next, statement.sql, batches):
            pass

    def _load_next(self, sql: str, batches: Iterator[Sequence[Row]]) -> bool:
        rows = next(batches, None)
        if rows is None:
            return False
        try:
            self._state.begin("BEGIN")  # Takes no lock, since only a temporary table is written.
            self._driver.executemany(sql, rows)
            self._state.execute("COMMIT")
        except FAILURES as error:
            raise self._state.failed(error) from error
        finally:
            self._state.end()
        return True

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and return all its rows."""
        return (await self._execute(statement.sql, statement.bind(values)))[0]

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and return its first row, or None."""
        rows = await self.fetch_all(statement, values)
        return rows[0] if rows else None

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        """Run a ``SELECT count(*)``."""
        count: int = (await self.fetch_all(statement, values))[0][0]
        return count

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session, in the thread."""
        if self._sessions is None:
            self._sessions = SqliteSessions(self._driver, self._state)
        return await self.run(run_orm, self._sessions, work)

    async def execute(self, statement: Statement, values: Values) -> int:
        """Run a statement that returns no rows; return how many rows it changed."""
        return (await self._execute(statement.sql, statement.bind(values)))[1]

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Roll back what the block did, and only that, if it raises."""
        await self._execute("SAVEPOINT part")
        try:
            yield
        except Exception as error:
            lost = self._state.lost
            if lost is not None:
                if isinstance(lost, ChangeRejected):
                    raise RolledBack(str(lost), code=lost.code) from error
                raise
            await self._execute("ROLLBACK TO part")
            await self._execute("RELEASE part")
            raise
        await self._execute("RELEASE part")

    @asynccontextmanager
    async def transaction(self, changes: Table | None = None) -> AsyncIterator[None]:
        """Run the block in a transaction, with the write lock if it changes a table."""
        arrived = monotonic()
        async with nullcontext() if changes is None else self._writer.exclusive():
            try:
                if changes is None:
                    await self._begin("BEGIN")
                else:
                    since = max(arrived, self._writer.locked_since)
                    await self._writer.take_lock(partial(self._begin, "BEGIN IMMEDIATE"), since)
                names_author = changes is not None and self._writer.authors.recorded
                if names_author:
                    await self._execute(*self._writer.authors.to_set())
                yield
                if names_author:
                    await self._execute(self._writer.authors.to_forget())
                await self._execute("COMMIT")
            finally:
                await self.run(self._state.end)

    async def _begin(self, sql: str) -> None:
        await self.run(self._state.begin, sql)

    async def _execute(self, sql: str, values: Values = ()) -> tuple[list[Row], int]:
        return await self.run(self._execute_in_thread, sql, values)

    def _execute_in_thread(self, sql: str, values: Values) -> tuple[list[Row], int]:
        self._state.require()
        try:
            cursor = self._driver.execute(sql, values)
            return cursor.fetchall(), cursor.rowcount
        except FAILURES as error:
            raise self._state.failed(error) from error

    def close(self) -> None:
        """Wait for the thread to end, then close the connection."""
        self._thread.shutdown()
        self._driver.close()


class SqliteBulkPool:
    """The bulk connections of a file: opened when needed, kept for the next use."""

    def __init__(self, path: Path, writer: Writer, dialect: Dialect) -> None:
        self._open = partial(SqliteBulk, path, writer, dialect)
        self._free = asyncio.Semaphore(MAX_BULK_CONNECTIONS)
        self._idle: list[SqliteBulk] = []

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[SqliteBulk]:
        """Enter with a connection; one whose work failed is not reused."""
        async with self._free:
            bulk = self._idle.pop() if self._idle else self._open_connection()
            try:
                with short_switch_interval.active():
                    yield bulk
            except (DatabaseError, asyncio.CancelledError):
                bulk.is_reusable = False
                raise
            finally:
                if bulk.is_reusable:
                    self._idle.append(bulk)
                else:
                    bulk.close()

    def _open_connection(self) -> SqliteBulk:
        try:
            return self._open()
        except FAILURES as error:
            raise translate(error) from error

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()
