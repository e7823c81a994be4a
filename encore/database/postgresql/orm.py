"""ORM sessions on an asyncpg connection that is in a transaction already.

SQLAlchemy's own transaction on it becomes a savepoint inside that one, since asyncpg nests them.
One engine serves the whole process: it lends sessions the connection that a request has, and keeps
each connection's prepared statements.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import (
    AsyncAdapt_asyncpg_connection,
    PGDialect_asyncpg,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from encore.database.postgresql.connection import PooledConnection

_KEPT_CONNECTIONS: Final = 64
_lent: Final[ContextVar[Any]] = ContextVar("lent")
T = TypeVar("T")


class _Lent:
    """An asyncpg connection that belongs to somebody else: it is not closed here."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's
        """Leave it to the owner."""

    def terminate(self) -> None:
        """Leave it to the owner."""


class LentDialect(PGDialect_asyncpg):
    """SQLAlchemy's dialect of asyncpg, which connects by taking the connection it is lent.

    The JSON codecs that SQLAlchemy would set up on connecting are set already, when the service's
    pool makes a connection.
    """

    supports_statement_cache = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._known: dict[int, AsyncAdapt_asyncpg_connection] = {}

    def connect(self, *_: Any, **__: Any) -> Any:
        """Return the adapter of the lent connection."""
        connection = _lent.get()
        adapter = self._known.get(id(connection))
        if adapter is None or adapter._connection.connection is not connection:  # type: ignore[attr-defined] # noqa: SLF001 - where SQLAlchemy keeps it
            if len(self._known) >= _KEPT_CONNECTIONS:
                self._known.clear()
            adapter = AsyncAdapt_asyncpg_connection(self.dbapi, _Lent(connection))  # type: ignore[no-untyped-call]
            self._known[id(connection)] = adapter
        return adapter

    def on_connect(self) -> None:
        """Set nothing up."""


registry.register("postgresql.lent", __name__, "LentDialect")
_engines: Final[list[AsyncEngine]] = []


def _engine() -> AsyncEngine:
    """Return the process's one engine, made when somebody first asks for a session."""
    if not _engines:
        _engines.append(create_async_engine("postgresql+lent://", poolclass=NullPool))
    return _engines[0]


async def run_orm(connection: PooledConnection, work: Callable[[Session], T]) -> T:
    """Run work with a session on this asyncpg connection, then flush what it added."""
    token = _lent.set(connection)
    connection.statement = None
    connection.started = connection.watchdog.tick
    try:
        async with _engine().connect() as joined, AsyncSession(joined) as session:
            result = await session.run_sync(work)
            await session.commit()
            await joined.commit()
    except DBAPIError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        raise connection.failed(cause if isinstance(cause, Exception) else error) from error
    finally:
        _lent.reset(token)
    connection.started = 0
    return result
