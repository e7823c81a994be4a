"""The unit of work: the one transaction of a request, begun when it is first needed.

Hooks that run before anything is read or written do not occupy a connection.

A unit may be joined to an outer one, whose transaction it shares: so bulk writes and batches run
many actions in one transaction, which only the outer unit commits or rolls back.
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
Beginning = Callable[[Connection], Awaitable[None]]


class _DryRun(Exception):
    """Rolls back a transaction in which nothing has failed."""


class UnitOfWork:
    """One request's transaction.

    Args:
        database: The database.
        writes: Whether the transaction may change rows.
        single: Whether it runs one statement at most.
        outer: The unit whose transaction it shares; None for a transaction of its own.
        fails_with_joined: Whether the failure of a joined unit rolls it back at once, so that no
            connection is held while the failure is explained.

    Attributes:
        failure: The error of a joined unit, whatever its caller made of that; None without one.

    Raises:
        ValueError: It writes, but the outer unit only reads.
    """

    __slots__ = (
        "_after",
        "_beginnings",
        "_connection",
        "_database",
        "_entered",
        "_fails_with_joined",
        "_outer",
        "_single",
        "_writes",
        "failure",
    )

    def __init__(
        self,
        database: Database,
        *,
        writes: bool,
        single: bool,
        outer: "UnitOfWork | None" = None,
        fails_with_joined: bool = False,
    ) -> None:
        if outer is not None:
            if writes and not outer.writes:
                raise ValueError("a unit that writes cannot join one that only reads")
            outer.run_several()
        self._database = database
        self._writes = writes
        self._single = single
        self._outer = outer
        self._fails_with_joined = fails_with_joined
        self.failure: BaseException | None = None
        self._connection: Connection | None = None
        self._entered: AbstractAsyncContextManager[Connection] | None = None
        self._after: list[Work] | None = None
        self._beginnings: tuple[Beginning, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether the transaction may change rows."""
        return self._writes

    def joined(self) -> "UnitOfWork":
        """Return a unit that shares this one's transaction."""
        return UnitOfWork(self._database, writes=self._writes, single=False, outer=self)

    async def connection(self) -> Connection:
        """Return the connection of the transaction, which this begins if necessary."""
        if self._connection is None:
            if self._fails_with_joined and self.failure is not None:
                raise RuntimeError("the transaction was rolled back")
            if self._outer is not None:
                self._connection = await self._outer.connection()
            else:
                opened = self._open()
                self._connection = await opened.__aenter__()
                self._entered = opened
            if self._beginnings:
                await self._run_beginnings(self._connection)
        return self._connection

    def _open(self) -> "AbstractAsyncContextManager[Connection]":
        if self._writes:
            return self._database.writing(single=self._single)
        return self._database.reading()

    async def _run_beginnings(self, connection: Connection) -> None:
        beginnings, self._beginnings = self._beginnings, ()
        for work in beginnings:
            await work(connection)

    def at_begin(self, work: Beginning) -> None:
        """Register work to run before anything else in the transaction, once it has begun.

        Whatever it raises is raised by whoever needed the connection first.

        Raises:
            RuntimeError: The transaction has begun.
        """
        if self._connection is not None:
            raise RuntimeError("the transaction has begun already")
        self.run_several()
        self._beginnings = (*self._beginnings, work)

    def run_several(self) -> None:
        """Declare that several statements will run, so that they need a transaction."""
        self._single = False

    @property
    def is_joined(self) -> bool:
        """Whether it shares the transaction of an outer unit."""
        return self._outer is not None

    @property
    def has_begun(self) -> bool:
        """Whether the transaction has begun."""
        return self._connection is not None

    async def roll_back(self) -> None:
        """Roll back without an error, and forget the work for after the commit."""
        await self.close(_DryRun())

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
        """Commit, or roll back if there was an error; then run the work for after the commit.

        A joined unit leaves both to the outer one.
        """
        if self._outer is not None:
            await self._leave_outer(self._outer, error)
            return
        entered, self._entered, self._connection = self._entered, None, None
        if entered is not None:
            type_ = None if error is None else type(error)
            await entered.__aexit__(type_, error, None)
        if error is None and self._after is not None:
            await self._run_after_commit()

    async def _leave_outer(self, outer: "UnitOfWork", error: BaseException | None) -> None:
        self._connection = None
        works, self._after = self._after, None
        error = error or self.failure  # A formatter of errors may have made a response of it.
        if error is None:
            for work in works or ():
                outer.after_commit(work)
            return
        outer.failure = error
        if outer._fails_with_joined:  # noqa: SLF001 - of this class
            await outer.close(error)

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
