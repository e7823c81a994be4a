"""A connection outside of the pool that checks the database, also while the pool is busy.

``/readyz`` uses it, so that a busy pool is not a 503. The watchdog uses it to distinguish a broken
network from a slow statement, and to cancel statements.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Final

import asyncpg
from sqlalchemy import (
    ARRAY,
    Boolean,
    Dialect,
    Integer,
    String,
    any_,
    column,
    func,
    select,
    table,
    text,
)

from encore.database.postgresql.connection import PooledConnection, connect
from encore.database.statement import Statement, Values, param

ANSWER_S: Final = 2.0
"""The time limit of an attempt, including connecting, in seconds; there are two attempts."""

_STATE: Final = select(
    func.pg_is_in_recovery(type_=Boolean()), func.current_setting("transaction_read_only")
)
_REVISION: Final = select(column("version_num", String)).select_from(table("alembic_version"))

_ACTIVITY: Final = table(
    "pg_stat_activity",
    column("pid", Integer),
    column("state", String),
    column("wait_event", String),
    column("query_start"),
)
# Cancelling a commit that waits for a standby only ends the waiting: the commit is acknowledged. A
# statement that has just begun is not the one that was to be cancelled.
_CANCEL: Final = (
    select(func.pg_cancel_backend(_ACTIVITY.c.pid))
    .where(_ACTIVITY.c.pid == any_(param(0, ARRAY(Integer))))
    .where(_ACTIVITY.c.state == "active")
    .where(func.coalesce(_ACTIVITY.c.wait_event, "") != "SyncRep")
    .where(_ACTIVITY.c.query_start < func.clock_timestamp() - text("interval '0.5 s'"))
)


class Sentinel:
    """Runs short queries about the database, one at a time.

    Args:
        dsn: The database's URL.
        dialect: The dialect to compile for.
    """

    def __init__(self, dsn: str, dialect: Dialect) -> None:
        self._dsn = dsn
        self._state = Statement(_STATE, dialect)
        self._revision = Statement(_REVISION, dialect)
        self._cancel = Statement(_CANCEL, dialect)
        self._lock = asyncio.Lock()
        self._connection: PooledConnection | None = None
        self._checking: asyncio.Task[bool] | None = None

    async def is_read_only(self) -> bool:
        """Return whether the server is a standby, or read-only by default.

        A session keeps its initial defaults, and the address may lead to another server by now: so
        only a new connection's "read-only" counts. Concurrent calls share one query.
        """
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        return await asyncio.shield(self._checking)

    async def _check(self) -> bool:
        if await self._query_read_only():
            self._disconnect()
            return await self._query_read_only()
        return False

    async def _query_read_only(self) -> bool:
        ((in_recovery, read_only),) = await self._fetch(self._state)
        return bool(in_recovery) or read_only == "on"

    async def revision(self) -> str | None:
        """Return the Alembic revision; None if Alembic has never migrated the database."""
        try:
            rows = await self._fetch(self._revision)
        except asyncpg.UndefinedTableError:
            return None
        return str(rows[0][0]) if rows else None

    async def cancel(self, pids: Collection[int]) -> None:
        """Cancel the statements that these backends have been running for a while."""
        await self._fetch(self._cancel, list(pids))

    def close(self) -> None:
        """Disconnect finally."""
        if self._checking is not None:
            self._checking.cancel()
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _fetch(self, query: Statement, *values: Any) -> list[Any]:
        """Return the rows of a query.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: The query failed
                on the existing connection and on a new one.
        """
        async with self._lock:
            try:
                return await self._attempt(query, values)
            except (asyncpg.SyntaxOrAccessError, asyncio.CancelledError):
                raise
            except Exception:  # noqa: BLE001 - retried with a new connection
                return await self._attempt(query, values)

    async def _attempt(self, query: Statement, values: Values) -> list[Any]:
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(self._dsn)
                rows: list[Any] = await self._connection.fetch(query.sql, *query.bind(values))
        except asyncpg.SyntaxOrAccessError:  # A response: a table or privilege is missing.
            raise
        except BaseException:
            self._disconnect()
            raise
        return rows
