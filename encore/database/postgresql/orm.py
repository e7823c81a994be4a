"""ORM sessions on an asyncpg connection that is already in a transaction.

SQLAlchemy's transaction becomes a savepoint inside that one, because asyncpg nests them. One engine
serves the whole process: it uses the connection that a request has borrowed, and keeps each
connection's prepared statements.
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
_borrowed: Final[ContextVar[Any]] = ContextVar("borrowed")
T = TypeVar("T")


class _Borrowed:
    """An asyncpg connection that another object owns and closes."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's signature
        """Do nothing: the owner does."""

    def terminate(self) -> None:
        """Do nothing: the owner does."""


class BorrowedDialect(PGDialect_asyncpg):
    """SQLAlchemy's dialect of asyncpg, which uses a borrowed connection instead of connecting.

    The pool has already set the JSON codecs that SQLAlchemy would set on connecting.
    """

    supports_statement_cache = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call] # SQLAlchemy's
        self._known: dict[int, AsyncAdapt_asyncpg_connection] = {}

    def connect(self, *_: Any, **__: Any) -> Any:
        """Return the adapter of the borrowed connection."""
        connection = _borrowed.get()
        adapter = self._known.get(id(connection))
        if adapter is None or adapter._connection.connection is not connection:  # type: ignore[attr-defined] # noqa: SLF001 - there is no public attribute
            if len(self._known) >= _KEPT_CONNECTIONS:
                self._known.clear()
            adapter = AsyncAdapt_asyncpg_connection(self.dbapi, _Borrowed(connection))  # type: ignore[no-untyped-call] # SQLAlchemy's
            self._known[id(connection)] = adapter
        return adapter

    def on_connect(self) -> None:
        """Do nothing: the pool has set up the connection."""


registry.register("postgresql.borrowed", __name__, "BorrowedDialect")
_engines: Final[list[AsyncEngine]] = []


def _engine() -> AsyncEngine:
    """Return the engine of the process, created for the first session."""
    if not _engines:
        _engines.append(create_async_engine("postgresql+borrowed://", poolclass=NullPool))
    return _engines[0]


async def run_orm(connection: PooledConnection, work: Callable[[Session], T]) -> T:
    """Run work with a session on an asyncpg connection, then flush it."""
    token = _borrowed.set(connection)
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
        _borrowed.reset(token)
    connection.started = 0
    return result
