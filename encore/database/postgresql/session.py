"""One connection of the pool, for one request."""

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy.orm import Session

from encore.database.errors import DatabaseError
from encore.database.postgresql.abandoned_reads import AbandonedRead
from encore.database.postgresql.connection import PooledConnection, outcome_unknown
from encore.database.postgresql.error_mapping import translate
from encore.database.postgresql.fetch import Fetching
from encore.database.postgresql.orm import run_orm
from encore.database.postgresql.pool import Pool

T = TypeVar("T")


class PostgresSession(Fetching):
    """A connection that is borrowed when this is entered, and given back at the end.

    Args:
        pool: Whose connection.
        transaction: Whether a transaction is around everything.
        reads: Whether nothing may be changed.
    """

    __slots__ = ("_abandoned", "_connection", "_pool", "_reads", "_transaction")

    _connection: PooledConnection

    def __init__(self, pool: Pool, *, transaction: bool, reads: bool) -> None:
        self._pool = pool
        self._transaction = transaction
        self._reads = reads
        self._abandoned: AbandonedRead | None = None

    async def __aenter__(self) -> Self:
        try:
            self._connection = await self._pool.borrow()
        except Exception as error:
            raise translate(error) from error
        if self._reads:
            self._connection.on_tick = self._attend
        if self._transaction:
            try:
                await self._connection.begin()
            except BaseException as error:
                self._pool.give_back(self._connection)
                if isinstance(error, Exception):
                    raise translate(error) from error
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
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
            if self._abandoned is not None:
                self._abandoned.close()
            self._pool.give_back(self._connection)

    def _attend(self) -> None:
        """Watch whether the caller is still there; a statement of theirs is running."""
        if self._abandoned is None:
            caller = self._pool.borrower(self._connection)
            self._abandoned = AbandonedRead(self._connection, caller)
        self._abandoned.look()

    def _cancelled(self) -> None:
        super()._cancelled()
        if self._abandoned is not None:
            self._abandoned.translate()

    def _failed(self, error: Exception) -> DatabaseError:
        failure = self._connection.failed(error)
        if self._reads or self._transaction:
            return failure
        return outcome_unknown(error) or failure  # The statement is a transaction by itself.

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session that joins this connection's transaction.

        Where only reading was asked for, the database refuses a write, as SQLite does.
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
