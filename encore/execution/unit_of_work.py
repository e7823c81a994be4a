"""The unit of work: the one transaction of a request, begun when it is first needed.

Hooks that run before anything is read or written do not occupy a connection.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from encore.database.protocol import Connection, Database
from encore.execution.session_writes import row_changed

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

_log: Final = structlog.get_logger("encore.execution")
T = TypeVar("T")
Work = Callable[[], Awaitable[None] | None]


class UnitOfWork:
    """One request's transaction.

    Args:
        database: The database.
        writes: Whether the transaction may change rows.
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
        """Whether the transaction may change rows."""
        return self._writes

    async def connection(self) -> Connection:
        """Return the connection of the transaction, which this begins if necessary."""
        if self._connection is None:
            database = self._database
            opened = database.writing(single=self._single) if self._writes else database.reading()
            self._connection = await opened.__aenter__()
            self._entered = opened
        return self._connection

    def run_several(self) -> None:
        """Declare that several statements will run, so that they need a transaction."""
        self._single = False

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with an ORM session inside the transaction; return its result.

        Raises:
            Conflict: A row was deleted, or has another version, since the session loaded it.
        """
        connection = await self.connection()
        try:
            return await connection.orm(work)
        except StaleDataError as error:
            raise row_changed() from error

    def after_commit(self, work: Work) -> None:
        """Register work to run after the commit."""
        self._after = [*(self._after or ()), work]

    async def close(self, error: BaseException | None) -> None:
        """Commit, or roll back if there was an error; then run the work for after the commit."""
        entered, self._entered, self._connection = self._entered, None, None
        if entered is not None:
            type_ = None if error is None else type(error)
            await entered.__aexit__(type_, error, None)
        if error is None and self._after is not None:
            await self._run_after_commit()

    async def _run_after_commit(self) -> None:
        for work in self._after or ():
            try:
                done = work()
                if inspect.isawaitable(done):
                    await done
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - the rows are committed, so the response stays
                # Not log.exception: a traceback may contain SQL.
                _log.error("work after commit failed", error=type(error).__name__)
