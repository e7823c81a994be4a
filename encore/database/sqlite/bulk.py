"""Bulk work on a SQLite file: a connection and a thread of its own.

Temporary tables live in a file that SQLite deletes, so that memory stays flat whatever is loaded.
They are filled without any lock. A transaction that changes the file takes the writer's turn
first, so that the other writers of this process wait in line instead of finding a lock.
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
    "cache_size = -16384",  # In KiB: indexes are filled in no order, a third faster than in 2 MiB.
    "mmap_size = 0",  # A mapped file would count as this process's memory.
    "busy_timeout = 0",  # Writer.take_lock waits.
)
T = TypeVar("T")


class SqliteBulk:
    """One connection for bulk work; see ``encore.database.bulk.Bulk``.

    Attributes:
        is_reusable: Whether it is as it was before its work.
    """

    def __init__(self, path: Path, writer: Writer, dialect: Dialect) -> None:
        self._writer = writer
        self._dialect = dialect
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-bulk")
        self._driver = connect(path, create=False)
        self._driver.text_factory = decode  # As the writer's.
        for pragma in _PRAGMAS:
            self._driver.execute(f"PRAGMA {pragma}")
        self._state = TransactionState(self._driver)
        self._sessions: SqliteSessions | None = None
        self.is_reusable = True

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run work in the thread. A caller who is cancelled waits for the end of it."""
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._thread, partial(work, *arguments))
        return await shield_until_done(job, hurry=self._driver.interrupt)

    @asynccontextmanager
    async def temporary(self, table: Table) -> AsyncIterator[None]:
        """Have this temporary table from here to the end of the block.

        A connection whose table could not be dropped is not used again; a failure to drop it
        changes nothing of what the block came to.
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
        """Load rows into a temporary table, one batch at a time in the thread."""
        values = {column: param(n, column.type) for n, column in enumerate(table.columns)}
        statement = Statement(insert(table).values(values), self._dialect)
        while await self.run(self._load_next, statement.sql, batches):
            pass

    def _load_next(self, sql: str, batches: Iterator[Sequence[Row]]) -> bool:
        rows = next(batches, None)
        if rows is None:
            return False
        try:
            self._state.begin("BEGIN")  # Takes no lock: only a temporary table is written.
            self._driver.executemany(sql, rows)
            self._state.execute("COMMIT")
        except FAILURES as error:
            raise self._state.failed(error) from error
        finally:
            self._state.end()
        return True

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and give all its rows."""
        return (await self._execute(statement.sql, statement.bind(values)))[0]

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and give its first row, or None."""
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
        """Run a statement that gives no rows; tell how many it changed."""
        return (await self._execute(statement.sql, statement.bind(values)))[1]

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what the block did, and nothing else of the transaction, if it raises."""
        await self._execute("SAVEPOINT part")
        try:
            yield
        except DatabaseError as error:
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
        """Have a transaction around the block, with the write lock if it changes a table."""
        arrived = monotonic()
        async with nullcontext() if changes is None else self._writer.exclusive():
            try:
                if changes is None:
                    await self._begin("BEGIN")
                else:
                    since = max(arrived, self._writer.locked_since)
                    await self._writer.take_lock(partial(self._begin, "BEGIN IMMEDIATE"), since)
                yield
                await self._execute("COMMIT")
            finally:
                await self.run(self._state.end)

    async def _begin(self, sql: str) -> None:
        await self.run(self._state.begin, sql)

    async def _execute(self, sql: str, values: Values = ()) -> tuple[list[Row], int]:
        return await self.run(self._execute_here, sql, values)

    def _execute_here(self, sql: str, values: Values) -> tuple[list[Row], int]:
        self._state.require()
        try:
            cursor = self._driver.execute(sql, values)
            return cursor.fetchall(), cursor.rowcount
        except FAILURES as error:
            raise self._state.failed(error) from error

    def close(self) -> None:
        """Wait for the thread, then close the connection."""
        self._thread.shutdown()
        self._driver.close()


class SqliteBulks:
    """The bulk connections of one file: opened when they are needed, kept for the next use."""

    def __init__(self, path: Path, writer: Writer, dialect: Dialect) -> None:
        self._open = partial(SqliteBulk, path, writer, dialect)
        self._free = asyncio.Semaphore(MAX_BULK_CONNECTIONS)
        self._idle: list[SqliteBulk] = []

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[SqliteBulk]:
        """Have one of the connections; one whose work failed is not used again."""
        async with self._free:
            bulk = self._idle.pop() if self._idle else self._opened()
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

    def _opened(self) -> SqliteBulk:
        try:
            return self._open()
        except FAILURES as error:
            raise translate(error) from error

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()
