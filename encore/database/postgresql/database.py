"""A PostgreSQL database as an ``encore.database.protocol.Database``."""

import asyncio
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from sqlalchemy import Dialect, make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from encore.database import errors
from encore.database.capabilities import POSTGRESQL
from encore.database.postgresql.bulk import PostgresBulk
from encore.database.postgresql.error_mapping import translate
from encore.database.postgresql.pool import Pool
from encore.database.postgresql.session import PostgresSession
from encore.database.startup import check_revision
from encore.database.threads import MAX_BULK_CONNECTIONS, short_switch_interval

POOL_SIZE: Final = 10
"""The maximum number of connections, in addition to one for readiness. The sum over all processes
must be below PostgreSQL's max_connections."""


class PostgresDatabase:
    """A PostgreSQL database, used by any number of processes."""

    def __init__(self, url: str, *, outdated: Collection[str] = ()) -> None:
        # Types such as BIT and ranges create values of the driver's classes.
        driver = PGDialect_asyncpg.import_dbapi()  # type: ignore[no-untyped-call] # SQLAlchemy's
        self.dialect: Dialect = PGDialect_asyncpg(dbapi=driver)  # type: ignore[no-untyped-call] # SQLAlchemy's
        self.capabilities = POSTGRESQL
        self._outdated = frozenset(outdated)
        self._dsn = make_url(url).set(drivername="postgresql")
        self._opened: Pool | None = None
        self._bulks = asyncio.Semaphore(MAX_BULK_CONNECTIONS)
        self._records_authors = False

    async def open(self) -> None:
        """Connect. Raises ``DatabaseUnavailable``."""
        pool = Pool(self._dsn.render_as_string(hide_password=False), POOL_SIZE, self.dialect)
        try:
            await pool.open()
        except (
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,  # No host has the attributes that the URL demands.
        ) as error:
            code = getattr(error, "sqlstate", None)
            raise errors.DatabaseUnavailable(type(error).__name__, code=code) from error
        self._opened = pool

    async def close(self) -> None:
        """Wait for the running statements, then disconnect."""
        pool, self._opened = self._opened, None
        if pool is not None:
            await pool.close()

    @property
    def _pool(self) -> Pool:
        if self._opened is None:
            raise errors.DatabaseUnavailable("not open")
        return self._opened

    def reading(self) -> PostgresSession:
        """Enter with a connection; each statement reads the latest committed rows."""
        return PostgresSession(self._pool, transaction=False, reads=True)

    def writing(self, *, single: bool = False) -> PostgresSession:
        """Enter with a connection inside a transaction, which a single statement is by itself."""
        names_author = self._records_authors
        is_transaction = names_author or not single
        return PostgresSession(
            self._pool, transaction=is_transaction, reads=False, names_author=names_author
        )

    @asynccontextmanager
    async def bulk(self) -> AsyncIterator[PostgresBulk]:
        """Enter with a connection for bulk work."""
        async with self._bulks:
            pool = self._pool
            try:
                connection = await pool.borrow()
            except Exception as error:
                raise translate(error) from error
            thread = ThreadPoolExecutor(1, thread_name_prefix="postgres-bulk")
            try:
                with short_switch_interval.active():
                    yield PostgresBulk(
                        connection, thread, self.dialect, names_authors=self._records_authors
                    )
            finally:
                thread.shutdown(wait=False)
                pool.give_back(connection)

    def record_authors(self) -> None:
        """Name the author of each transaction to the triggers of history tables."""
        self._records_authors = True

    async def check(self) -> None:
        """Check that the database can be read and accepts changes; see ``protocol``."""
        sentinel = self._pool.sentinel
        try:
            is_read_only = await sentinel.is_read_only()
        except Exception as error:
            raise translate(error) from error
        if is_read_only:
            raise errors.ReadOnlyDatabase(errors.READ_ONLY, code="25006")
        check_revision(await self.revision(), self._outdated)

    async def revision(self) -> str | None:
        """Return the Alembic revision; None if Alembic has never migrated the database."""
        try:
            return await self._pool.sentinel.revision()
        except Exception as error:
            raise translate(error) from error
