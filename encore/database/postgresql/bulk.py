"""Bulk work on PostgreSQL: a connection of the pool, ``COPY``, and a thread that prepares rows."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import Dialect, Table, func, select
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateTable, DropTable

from encore.database.callers import current_caller
from encore.database.cancellation import shield_until_done
from encore.database.errors import CommitOutcomeUnknown, DatabaseError, DatabaseUnavailable
from encore.database.postgresql import gin
from encore.database.postgresql.connection import PooledConnection
from encore.database.postgresql.error_mapping import translate
from encore.database.postgresql.fetch import FetchMixin
from encore.database.postgresql.orm import run_orm
from encore.database.statement import Row, Statement, Values

_DRIVER_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # The server has closed the connection between two statements.
    OSError,
)
_ROWS_PER_ITERATION: Final = 32
LOCK_TIMEOUT_MS: Final = 30_000
"""How long an upload waits for rows or a table that others have locked, in milliseconds. It waits
for other uploads without a limit."""

T = TypeVar("T")


class PostgresBulk(FetchMixin):
    """A connection for bulk work; see ``encore.database.protocol.BulkConnection``."""

    def __init__(
        self,
        connection: PooledConnection,
        thread: ThreadPoolExecutor,
        dialect: Dialect,
        *,
        names_authors: bool = False,
    ) -> None:
        self._connection = connection
        self._names_authors = names_authors
        self._thread = thread
        self._dialect = dialect

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run work in the thread; if cancelled, wait for it to end."""
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._thread, partial(work, *arguments))
        return await shield_until_done(job)

    @asynccontextmanager
    async def temporary(self, table: Table) -> AsyncIterator[None]:
        """Create a temporary table, and drop it at the end of the block.

        If dropping it fails, the connection is closed, which drops the table; the result of the
        block stays.
        """
        self._connection.is_reusable = False
        await self._execute(str(CreateTable(table).compile(dialect=self._dialect)))
        try:
            yield
        except asyncio.CancelledError:
            raise
        except BaseException:
            await self._drop(table)
            raise
        await self._drop(table)

    async def _drop(self, table: Table) -> None:
        drop = DropTable(table, if_exists=True)
        with suppress(DatabaseError):
            await self._execute(str(drop.compile(dialect=self._dialect)))
            self._connection.is_reusable = True

    async def load(self, table: Table, batches: Iterator[Sequence[Row]]) -> None:
        """Load rows by a single COPY; the thread prepares a batch while the last one is sent."""
        names = [column.name for column in table.columns]
        connection = self._connection
        async with self.transaction(), aclosing(self._records(batches)) as records:
            connection.statement = None
            connection.started = connection.watchdog.tick
            connection.add_termination_listener(_end_pause)
            try:
                await connection.copy_records_to_table(table.name, records=records, columns=names)
            except Exception as error:
                # Errors of preparing the rows pass; a lost connection may raise any error.
                if not isinstance(error, _DRIVER_ERRORS) and not connection.is_closed():
                    raise
                raise connection.failed(error) from error
            finally:
                connection.remove_termination_listener(_end_pause)
            connection.started = 0

    async def _records(self, batches: Iterator[Sequence[Row]]) -> AsyncGenerator[Row, None]:
        """Yield rows for the driver, which encodes them on the event loop: few per iteration."""
        rows: Sequence[Row] | None = await self.run(next, batches, None)
        while rows is not None:
            following = asyncio.create_task(self.run(next, batches, None))
            try:
                for count, row in enumerate(rows, start=1):
                    yield row
                    if not count % _ROWS_PER_ITERATION:
                        await asyncio.sleep(0)
            finally:
                await asyncio.wait({following})  # The batches must not be advanced twice at a time.
            rows = following.result()

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session inside the transaction."""
        return await run_orm(self._connection, work)

    async def execute(self, statement: Statement, values: Values) -> int:
        """Run a statement that returns no rows; return how many rows it changed."""
        tag = await self._execute(statement.sql, *statement.bind(values))
        count = tag.rpartition(" ")[2]  # "INSERT 0 7", "UPDATE 7"
        return int(count) if count.isdigit() else 0

    async def _execute(self, sql: str, *values: Any) -> str:
        connection = self._connection
        connection.statement = None
        connection.started = connection.watchdog.tick
        try:
            tag: str = await connection.execute(sql, *values)
        except Exception as error:
            raise connection.failed(error) from error
        connection.started = 0
        return tag

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Roll back what the block did, and only that, if it raises."""
        await self._execute("SAVEPOINT part")
        try:
            yield
        except Exception:
            await self._execute("ROLLBACK TO part")
            await self._execute("RELEASE part")
            raise
        await self._execute("RELEASE part")

    @asynccontextmanager
    async def transaction(self, changes: Table | None = None) -> AsyncIterator[None]:
        """Run the block in a transaction; other bulk work on the table that it changes waits."""
        connection = self._connection
        names_author = self._names_authors and changes is not None
        author = current_caller.get().author if names_author else None
        try:
            await connection.begin(author=author)
        except Exception as error:
            raise translate(error) from error
        try:
            await self._set(
                statement_timeout=0, lock_timeout=0, idle_in_transaction_session_timeout=0
            )
            connection.has_no_time_limit = True
            if changes is not None:
                await self._call(func.pg_advisory_xact_lock(func.hashtext(changes.name)))
            await self._set(lock_timeout=LOCK_TIMEOUT_MS)
            async with self._batched_entries(changes):
                yield
        except BaseException:
            await connection.rollback()
            raise
        try:
            await connection.commit()
        except CommitOutcomeUnknown as error:
            if changes is None:  # The temporary tables are gone with the connection.
                raise DatabaseUnavailable(str(error), code=error.code) from error
            raise
        finally:
            connection.has_no_time_limit = False

    @asynccontextmanager
    async def _batched_entries(self, table: Table | None) -> AsyncIterator[None]:
        """Write the entries of the GIN indexes of a table in large batches."""
        if table is None:
            yield
            return
        name = gin.table_name(table, self._dialect)
        has_lists = await self.fetch_all(gin.enlarge_lists(self._dialect), (name,))
        yield
        if has_lists:
            await self.fetch_all(gin.flush_lists(self._dialect), (name,))

    async def _set(self, **limits: int) -> None:
        """Set limits of the transaction, in milliseconds; 0 for none."""
        await self._call(*(func.set_config(name, str(ms), True) for name, ms in limits.items()))  # noqa: FBT003 - an argument of the SQL function

    async def _call(self, *functions: Any) -> None:
        await self.fetch_all(Statement(select(*functions), self._dialect), ())


def _end_pause(connection: Any) -> None:
    """Wake a COPY that waits to write, so that it notices that its connection is lost.

    asyncpg does not report the loss to such a COPY, which would wait forever.
    """
    connection._protocol.resume_writing()  # noqa: SLF001 - there is no public method
