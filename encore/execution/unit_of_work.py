"""The unit of work: one transaction around one request, begun when it is first needed.

Hooks that run before anything is read or written hold up nobody.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy.orm import Session

from encore.database.protocol import Connection, Database

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

log: Any = structlog.get_logger("encore.crud")
T = TypeVar("T")
Work = Callable[[], Awaitable[None] | None]


class UnitOfWork:
    """One request's transaction.

    Args:
        database: Where.
        writes: Whether it may change something.
        single: Whether it runs one statement at most.
    """

    __slots__ = ("_after", "_connection", "_database", "_entered", "_single", "_writes")

    def __init__(self, database: Database, *, writes: bool, single: bool) -> None:
        self._database = database
        self._writes = writes
        self._single = single
        self._connection: Connection | None = None
        self._entered: AbstractAsyncContextManager[Connection] | None = None
        self._after: list[Work] | None = None

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self._writes

    async def connection(self) -> Connection:
        """Give the connection inside the transaction, beginning it if need be."""
        if self._connection is None:
            database = self._database
            opened = database.writing(single=self._single) if self._writes else database.reading()
            self._connection = await opened.__aenter__()
            self._entered = opened
        return self._connection

    def run_several(self) -> None:
        """Run more than one statement, so that they need a transaction around them."""
        self._single = False

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session inside the transaction."""
        return await (await self.connection()).orm(work)

    def after_commit(self, work: Work) -> None:
        """Register work for after the commit."""
        self._after = [*(self._after or ()), work]

    async def close(self, error: BaseException | None) -> None:
        """Commit, or undo everything if there was an error; then do what waits for the commit."""
        entered, self._entered, self._connection = self._entered, None, None
        if entered is not None:
            kind = None if error is None else type(error)
            await entered.__aexit__(kind, error, None)
        if error is None and self._after is not None:
            await self._do_after()

    async def _do_after(self) -> None:
        for work in self._after or ():
            try:
                done = work()
                if inspect.isawaitable(done):
                    await done
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - the rows are committed: the answer stands
                # Not log.exception: a trace may hold SQL.
                log.error("work after commit failed", error=type(error).__name__)  # noqa: TRY400
