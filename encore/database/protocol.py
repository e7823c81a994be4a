"""A database, as the rest of the service sees it: three ways in.

``reading()`` gives a connection for statements that change nothing. ``writing()`` gives one inside
a transaction that is committed, durably, when its block ends, and rolled back when the block
raises; nothing is acknowledged before that. ``bulk()`` gives one for many rows at a time.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sqlalchemy import Dialect

from encore.database.bulk import Bulk
from encore.database.capabilities import Capabilities
from encore.database.connection import Connection


class Database(Protocol):
    """A database that is open between ``open`` and ``close``."""

    @property
    def dialect(self) -> Dialect:
        """What statements are compiled for."""
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
        """Enter with a connection inside a transaction of its own.

        Args:
            single: The block runs one statement at most, which is atomic by itself; the
                database may then spare the round trips that mark a transaction.
        """
        ...

    def bulk(self) -> AbstractAsyncContextManager[Bulk]:
        """Enter with a connection for bulk work, waiting while too many are under way."""
        ...

    async def check(self) -> None:
        """Check that the database can be read and accepts changes; ``/readyz`` asks this.

        Raises:
            DatabaseNotReady: It must not be written to, and says why in words for callers:
                ``ReadOnlyDatabase``, ``SchemaOutdated``, ``DatabaseFileChanged``. While this is
                so, writes raise the same error.
            DatabaseUnavailable: It cannot be reached or read.
        """
        ...

    async def revision(self) -> str | None:
        """Give the Alembic revision that the database is at, or None. Proves it is readable."""
        ...
