"""One connection outside of the pool: it answers whether the database is there, whoever waits.

Readiness asks it, so ``/readyz`` does not say 503 because the pool is busy; the watchdog asks it
whether silence is the network's or one statement's, and has it end statements.
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
"""How long an attempt may take, connecting included, in seconds; there are two."""

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
# A commit that waits for a standby would only stop waiting, and be acknowledged all the same. One
# that has begun just now is another statement than the one that was to be ended.
_CANCEL: Final = (
    select(func.pg_cancel_backend(_ACTIVITY.c.pid))
    .where(_ACTIVITY.c.pid == any_(param(0, ARRAY(Integer))))
    .where(_ACTIVITY.c.state == "active")
    .where(func.coalesce(_ACTIVITY.c.wait_event, "") != "SyncRep")
    .where(_ACTIVITY.c.query_start < func.clock_timestamp() - text("interval '0.5 s'"))
)


class Sentinel:
    """Asks the database short questions, one at a time.

    Args:
        dsn: Where to connect.
        dialect: What to compile for.
    """

    def __init__(self, dsn: str, dialect: Dialect) -> None:
        self._dsn = dsn
        self._state = Statement(_STATE, dialect)
        self._revision = Statement(_REVISION, dialect)
        self._cancel = Statement(_CANCEL, dialect)
        self._turn = asyncio.Lock()
        self._connection: PooledConnection | None = None
        self._asking: asyncio.Task[bool] | None = None

    async def is_read_only(self) -> bool:
        """Return whether the server is a standby, or set to take no changes.

        A session keeps the defaults that it began with, and an address may lead to another server
        by now: only a new connection is believed that nothing may be written.

        All who ask while a question is under way get its answer.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> bool:
        if await self._says_read_only():
            self._disconnect()
            return await self._says_read_only()
        return False

    async def _says_read_only(self) -> bool:
        ((in_recovery, read_only),) = await self._fetch(self._state)
        return bool(in_recovery) or read_only == "on"

    async def revision(self) -> str | None:
        """Return the Alembic revision; None if Alembic has never seen this database."""
        try:
            rows = await self._fetch(self._revision)
        except asyncpg.UndefinedTableError:
            return None
        return str(rows[0][0]) if rows else None

    async def cancel(self, pids: Collection[int]) -> None:
        """End the statements that these backends have been running for a while."""
        await self._fetch(self._cancel, list(pids))

    def close(self) -> None:
        """Disconnect, for good."""
        if self._asking is not None:
            self._asking.cancel()
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _fetch(self, question: Statement, *values: Any) -> list[Any]:
        """Return the rows that answer a question.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: Neither the
                connection that was there nor a new one brought an answer.
        """
        async with self._turn:
            try:
                return await self._attempt(question, values)
            except (asyncpg.SyntaxOrAccessError, asyncio.CancelledError):
                raise
            except Exception:  # noqa: BLE001 - a connection that is new tells whose fault it was
                return await self._attempt(question, values)

    async def _attempt(self, question: Statement, values: Values) -> list[Any]:
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(self._dsn)
                rows: list[Any] = await self._connection.fetch(question.sql, *question.bind(values))
        except asyncpg.SyntaxOrAccessError:  # An answer: a table is missing, a right.
            raise
        except BaseException:
            self._disconnect()
            raise
        return rows
