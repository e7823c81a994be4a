"""A PostgreSQL database as a ``db.database.Database``: the pool, and one request's connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import Dialect, column, make_url, select, table
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from db import errors
from db.postgresql.bulk import PostgresBulk
from db.postgresql.fetching import Fetching
from db.postgresql.orm import run_orm
from db.postgresql.translation import translate
from db.revision import check_revision
from db.statement import Statement
from db.turns import AT_ONCE, short_turns

POOL_SIZE: Final = 10
"""The most connections; keep the sum over all processes below PostgreSQL's max_connections."""

STATEMENT_TIMEOUT_MS: Final = 10_000
CONNECT_TIMEOUT_S: Final = 5.0
_PREPARED: Final = 512
T = TypeVar("T")


class PostgresDatabase:
    """A PostgreSQL database, used by any number of processes."""

    def __init__(self, url: str, *, outdated: Collection[str] = ()) -> None:
        # Types such as BIT and ranges make their values with the driver's own classes.
        driver = PGDialect_asyncpg.import_dbapi()  # type: ignore[no-untyped-call]
        self.dialect: Dialect = PGDialect_asyncpg(dbapi=driver)  # type: ignore[no-untyped-call]
        self._outdated = frozenset(outdated)
        self._dsn = make_url(url).set(drivername="postgresql")
        self._pool: asyncpg.Pool | None = None
        self._idle: list[PoolConnectionProxy] = []
        self._free = asyncio.Semaphore(POOL_SIZE)
        self._bulks = asyncio.Semaphore(AT_ONCE)

    async def open(self) -> None:
        """Connect. Raises ``DatabaseUnavailable``."""
        try:
            self._pool = await asyncpg.create_pool(
                self._dsn.render_as_string(hide_password=False),
                min_size=1,
                max_size=POOL_SIZE,
                statement_cache_size=_PREPARED,
                timeout=CONNECT_TIMEOUT_S,
                init=_prepare,
                reset=_leave_as_is,
                server_settings={
                    "application_name": "encore",
                    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                    "timezone": "UTC",
                },
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            code = getattr(error, "sqlstate", None)
            raise errors.DatabaseUnavailable(type(error).__name__, code=code) from error

    async def close(self) -> None:
        """Wait for the statements under way and disconnect."""
        pool, self._pool = self._pool, None
        if pool is not None:
            for connection in self._idle:
                await pool.release(connection)
            self._idle.clear()
            await pool.close()

    def reading(self) -> "_Session":
        """Enter with a connection; each statement sees what was committed before it."""
        return _Session(self, transaction=False, reads=True)

    def writing(self, *, single: bool = False) -> "_Session":
        """Enter with a connection inside a transaction; a single statement is one by itself."""
        return _Session(self, transaction=not single)

    @asynccontextmanager
    async def bulk(self) -> AsyncIterator[PostgresBulk]:
        """Enter with a connection for bulk work; one whose work failed is closed."""
        async with self._bulks:
            try:
                connection = await self.borrow()
            except Exception as error:
                raise translate(error) from error
            thread = ThreadPoolExecutor(1, thread_name_prefix="postgres-bulk")
            sound = True
            try:
                with short_turns.taken():
                    yield PostgresBulk(connection, thread, self.dialect)
            except (errors.DatabaseError, asyncio.CancelledError):
                sound = False
                raise
            finally:
                thread.shutdown(wait=False)
                if sound:
                    self.give_back(connection)
                else:
                    self._drop(connection)

    async def check(self) -> None:
        """Check that the database can be read and accepts changes; see ``db.database``."""
        check_revision(await self.revision(), self._outdated)

    async def revision(self) -> str | None:
        """Give the Alembic revision; None if Alembic has never seen this database."""
        version = select(column("version_num", String)).select_from(table("alembic_version"))
        try:
            async with self.reading() as connection:
                row = await connection.fetch_one(Statement(version, self.dialect), ())
        except errors.DatabaseError as error:
            if isinstance(error.__cause__, asyncpg.UndefinedTableError):
                return None
            raise
        return None if row is None else str(row[0])

    async def borrow(self) -> PoolConnectionProxy:
        """Take a connection, waiting for one when all are in use.

        Idle ones are kept here, in front of asyncpg's pool: its own acquire and release make a
        timeout and a task each, a sixth of what a small request costs.
        """
        if self._pool is None:
            raise errors.DatabaseUnavailable("not open")
        if self._free.locked():
            await asyncio.wait_for(self._free.acquire(), CONNECT_TIMEOUT_S)
        else:
            await self._free.acquire()
        try:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                await self._pool.release(connection)
            return await self._pool.acquire(timeout=CONNECT_TIMEOUT_S)
        except BaseException:
            self._free.release()
            raise

    def give_back(self, connection: PoolConnectionProxy) -> None:
        """Give a borrowed connection back."""
        self._idle.append(connection)
        self._free.release()

    def _drop(self, connection: PoolConnectionProxy) -> None:
        """Close a borrowed connection of which nobody knows in what state it is."""
        connection.terminate()  # asyncpg's pool notices by itself.
        self._free.release()


class _Session(Fetching):
    """One connection of the pool, for one request."""

    __slots__ = ("_connection", "_database", "_reads", "_transaction", "_wants_transaction")

    def __init__(
        self, database: PostgresDatabase, *, transaction: bool, reads: bool = False
    ) -> None:
        self._database = database
        self._reads = reads
        self._wants_transaction = transaction

    async def __aenter__(self) -> Self:
        try:
            self._connection = await self._database.borrow()
        except Exception as error:
            raise translate(error) from error
        if self._wants_transaction:
            self._transaction = self._connection.transaction()
            try:
                await self._transaction.start()
            except Exception as error:
                self._database.give_back(self._connection)
                raise translate(error) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._wants_transaction and error is None:
                await self._transaction.commit()
            elif self._wants_transaction:
                await self._transaction.rollback()
        except Exception as failure:
            raise translate(failure) from failure
        finally:
            self._database.give_back(self._connection)

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session that joins this connection's transaction.

        Where only reading was asked for, the database refuses a write, as SQLite does.
        """
        if not self._reads:
            return await run_orm(self._connection, work)
        async with self._connection.transaction(readonly=True):
            return await run_orm(self._connection, work)


async def _prepare(connection: PoolConnectionProxy) -> None:
    """Have JSON columns come as values; SQLAlchemy's types hand them over as text."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=str, decoder=json.loads, format="text"
        )


async def _leave_as_is(_: PoolConnectionProxy) -> None:
    """Spare the round trip of a reset: no statement of ours changes the session."""
