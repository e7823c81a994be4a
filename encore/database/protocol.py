"""The protocols of a database, which ``sqlite`` and ``postgresql`` implement.

``reading()`` enters with a connection for statements that change nothing. ``writing()`` enters with
one inside a transaction that is committed, durably, when its block ends, and rolled back if the
block raises; nothing is acknowledged before the commit. ``bulk()`` enters with a connection for
many rows at a time. Rows are plain sequences in column order.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Dialect, Table
from sqlalchemy.orm import Session

from encore.database.capabilities import Capabilities
from encore.database.statement import Row, Statement, Values

T = TypeVar("T")


class Connection(Protocol):
    """Runs compiled statements.

    Every method raises ``encore.database.errors.DatabaseError`` and no error of the driver's.
    """

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and return all its rows."""
        ...

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and return its first row, or None."""
        ...

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        """Run a ``SELECT count(*)``; the result may come from a cache that writes invalidate."""
        ...

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with a SQLAlchemy session that joins this connection's transaction."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Roll back what the block did, and only that, if it raises an ``Exception``.

        Only in a transaction of several statements. Savepoints may be nested.

        Raises:
            RolledBack: A trigger has rolled back the whole transaction.
        """
        ...


class BulkConnection(Connection, Protocol):
    """A connection for bulk work, with a worker thread beside the event loop.

    Rows are loaded into a temporary table first, which needs no lock; statements over that table
    then write them in one transaction. Every method raises
    ``encore.database.errors.DatabaseError`` and no error of the driver's. Statements have no time
    limit. A cancelled statement has ended before the cancellation is raised.
    """

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run other work in the worker thread, between statements."""
        ...

    def temporary(self, table: Table) -> AbstractAsyncContextManager[None]:
        """Create a temporary table, and drop it at the end of the block."""
        ...

    async def load(self, table: Table, batches: Iterator[Sequence[Row]]) -> None:
        """Load rows into a temporary table, before any transaction begins.

        Args:
            table: The temporary table.
            batches: Rows in column order, as driver values; advanced in the worker thread.
        """
        ...

    async def execute(self, statement: Statement, values: Values) -> int:
        """Run a statement that returns no rows; return how many rows it changed."""
        ...

    def transaction(self, changes: Table | None = None) -> AbstractAsyncContextManager[None]:
        """Run the block in a transaction: commit at its end, roll back if it raises.

        Args:
            changes: The table that will be changed: other bulk work on it waits, and on SQLite all
                other writers do. Without it only temporary tables may be changed.
        """
        ...


class Database(Protocol):
    """A database that is open between ``open`` and ``close``."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that statements are compiled for."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this database can do."""
        ...

    async def open(self) -> None:
        """Connect. Raises ``DatabaseUnavailable``."""
        ...

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """Enter with a connection for reading only."""
        ...

    def writing(self, *, single: bool = False) -> AbstractAsyncContextManager[Connection]:
        """Enter with a connection inside a new transaction.

        Args:
            single: The block runs at most one statement, which is atomic by itself; the database
                may then omit BEGIN and COMMIT.
        """
        ...

    def bulk(self) -> AbstractAsyncContextManager[BulkConnection]:
        """Enter with a connection for bulk work, waiting while too many are in use."""
        ...

    def record_authors(self) -> None:
        """Name the author of each transaction to the triggers of history tables.

        The author is that of ``current_caller``; see ``encore.database.history``.
        """
        ...

    async def check(self) -> None:
        """Check that the database can be read and accepts changes; ``/readyz`` calls this.

        Raises:
            DatabaseNotReady: It must not be written to; the message says why, in words for
                callers: ``ReadOnlyDatabase``, ``SchemaOutdated``, ``DatabaseFileChanged``. Writes
                raise the same error until a later check succeeds.
            DatabaseUnavailable: It cannot be reached or read.
        """
        ...

    async def revision(self) -> str | None:
        """Return the Alembic revision of the database, or None. Proves that it is readable."""
        ...
