"""For whom the current task works, so that scarce resources can be shared out fairly.

The HTTP layer sets ``current_caller`` once for each request; nothing here knows HTTP. Work that
nobody asked for (start-up, tools) has the caller ``NOBODY``. What takes long asks whether its
caller is still there: ``while_present`` cancels work whose result nobody would receive.
"""

import asyncio
from collections.abc import Coroutine, Hashable
from contextvars import ContextVar
from typing import Any, Final, Protocol, TypeVar

from encore.database.cancellation import shield_until_done
from encore.database.errors import CallerLeft

T = TypeVar("T")


class Caller(Protocol):
    """One request's caller."""

    @property
    def client(self) -> Hashable:
        """Who calls: equal for all requests of one client. Read only where somebody waits."""
        ...

    async def left(self) -> None:
        """Return once the caller has left; never, where that cannot be known."""
        ...


class _Nobody:
    """The service itself."""

    client: Hashable = None

    async def left(self) -> None:
        """Wait without end."""
        await asyncio.get_running_loop().create_future()


NOBODY: Final[Caller] = _Nobody()

current_caller: Final[ContextVar[Caller]] = ContextVar("current_caller", default=NOBODY)


async def while_present(work: Coroutine[Any, Any, T]) -> T:
    """Run work in a task of its own; cancel it once the caller has left.

    Costs two tasks, so it is for work that takes long, and for reading alone: a write that has
    begun goes on to its commit.

    Args:
        work: What to run. Once this returns or raises it has ended, whatever happened.

    Raises:
        CallerLeft: The caller has left, and the work was cancelled.
    """
    caller = current_caller.get()
    if caller is NOBODY:
        return await work
    job = asyncio.create_task(work)
    leaving = asyncio.create_task(caller.left())

    def end(_: "asyncio.Task[None]") -> None:
        if not leaving.cancelled():
            job.cancel()

    leaving.add_done_callback(end)
    try:
        return await shield_until_done(job, job.cancel)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise CallerLeft("the caller has left") from None
    finally:
        leaving.cancel()
