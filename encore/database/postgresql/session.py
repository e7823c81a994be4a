"""A connection of the pool, borrowed for one request."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy.orm import Session

from encore.database.callers import current_caller
from encore.database.errors import DatabaseError
from encore.database.postgresql.caller_watch import CallerWatch
from encore.database.postgresql.connection import PooledConnection, outcome_unknown
from encore.database.postgresql.error_mapping import translate
from encore.database.postgresql.fetch import FetchMixin
from encore.database.postgresql.orm import run_orm
from encore.database.postgresql.pool import Pool

T = TypeVar("T")


class PostgresSession(FetchMixin):
    """A context manager that borrows a connection, and gives it back at the end.

    Args:
        pool: The pool.
        transaction: Whether the block runs in a transaction.
        reads: Whether the block only reads.
        names_author: Whether the transaction names its author.
    """

    __slots__ = ("_connection", "_names_author", "_pool", "_reads", "_transaction", "_watch")

    _connection: PooledConnection

    def __init__(
        self, pool: Pool, *, transaction: bool, reads: bool, names_author: bool = False
    ) -> None:
        self._pool = pool
        self._transaction = transaction
        self._reads = reads
        self._names_author = names_author
        self._watch: CallerWatch | None = None

    async def __aenter__(self) -> Self:
        try:
            self._connection = await self._pool.borrow()
        except Exception as error:
            raise translate(error) from error
        if self._reads:
            self._connection.on_tick = self._on_tick
        if self._transaction:
            author = current_caller.get().author if self._names_author else None
            try:
                await self._connection.begin(author=author)
            except BaseException as error:
                self._pool.give_back(self._connection)
                if isinstance(error, Exception):
                    raise translate(error) from error
                raise
        return self

    async def __aexit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._transaction:
                if error is None:
                    await self._connection.commit()
                else:
                    await self._connection.rollback()
        finally:
            self._connection.on_tick = None
            if self._watch is not None:
                self._watch.close()
            self._pool.give_back(self._connection)

    def _on_tick(self) -> None:
        """Watch the caller, because a statement has been running for a tick."""
        if self._watch is None:
            caller = self._pool.borrower(self._connection)
            self._watch = CallerWatch(self._connection, caller)
        self._watch.check()

    def _cancelled(self) -> None:
        super()._cancelled()
        if self._watch is not None:
            self._watch.translate()

    def _failed(self, error: Exception) -> DatabaseError:
        failure = self._connection.failed(error)
        if self._reads or self._transaction:
            return failure
        return outcome_unknown(error) or failure  # The statement is a transaction by itself.

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Roll back what the block did, and only that, if it raises an ``Exception``."""
        await self._run_command("SAVEPOINT part")
        try:
            yield
        except Exception:
            await self._run_command("ROLLBACK TO SAVEPOINT part")
            await self._run_command("RELEASE SAVEPOINT part")
            raise
        await self._run_command("RELEASE SAVEPOINT part")

    async def _run_command(self, sql: str) -> None:
        try:
            await self._connection.run_command(sql)
        except Exception as error:
            raise translate(error) from error

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session that joins this connection's transaction.

        In a session that only reads, the database rejects writes, as SQLite does.
        """
        if not self._reads:
            return await run_orm(self._connection, work)
        try:
            await self._connection.begin(readonly=True)
        except Exception as error:
            raise translate(error) from error
        try:
            return await run_orm(self._connection, work)
        finally:
            await self._connection.rollback()
