"""Bulk work: many rows through one connection of its own, none of it on the event loop.

Rows are loaded into a temporary table first, which needs no lock and disturbs nobody; statements
over that table then do the rest, all rows at a time, in one transaction.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Table

from encore.database.connection import Connection
from encore.database.statement import Row, Statement, Values

T = TypeVar("T")


class Bulk(Connection, Protocol):
    """One connection for bulk work, and one worker thread beside the event loop.

    Every method raises ``encore.database.errors.DatabaseError`` and nothing else of the driver's.
    No statement is stopped for taking long. Cancelling one ends it before the cancellation goes on.
    """

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run other work in the worker thread, between statements."""
        ...

    def temporary(self, table: Table) -> AbstractAsyncContextManager[None]:
        """Have this table, which must be a temporary one, from here to the end of the block."""
        ...

    async def load(self, table: Table, batches: Iterator[Sequence[Row]]) -> None:
        """Load rows into a temporary table, before any transaction is begun.

        Args:
            table: Where to.
            batches: Of rows in column order, as the driver wants them; advanced in the thread.
        """
        ...

    async def execute(self, statement: Statement, values: Values) -> int:
        """Run a statement that gives no rows; tell how many it changed."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Undo what the block did, and nothing else of the transaction, if it raises.

        Raises:
            RolledBack: A trigger has undone the whole transaction.
        """
        ...

    def transaction(self, changes: Table | None = None) -> AbstractAsyncContextManager[None]:
        """Have a transaction around the block: committed at its end, undone if it raises.

        Args:
            changes: The table that will be changed: other bulk work on it waits, and on SQLite
                other writers do. Without it only temporary tables may be changed.
        """
        ...
