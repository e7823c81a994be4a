"""ORM sessions on an asyncpg connection that is in a transaction already.

SQLAlchemy's own transaction on it becomes a savepoint inside that one, since asyncpg nests them.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from db.postgresql.translation import translate

T = TypeVar("T")


async def run_orm(connection: Any, work: Callable[[Session], T]) -> T:
    """Run work with a session on this asyncpg connection, then flush what it added.

    An engine is made each time: some milliseconds, which only those pay who ask for a session.
    """

    async def same(*_: Any, **__: Any) -> Any:
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=same, poolclass=StaticPool, pool_reset_on_return=None
    )
    try:
        async with engine.connect() as joined, AsyncSession(joined) as session:
            result = await session.run_sync(work)
            await session.commit()
            await joined.commit()
    except DBAPIError as error:
        cause = error.orig.__cause__ if error.orig is not None else None
        raise translate(cause if isinstance(cause, Exception) else error) from error
    return result
