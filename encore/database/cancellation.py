"""Waiting for work that cannot be interrupted at once, and cancelling work that nobody waits for.

A statement in a thread, or a commit, goes on after the task that waits for it was cancelled. So a
cancellation is passed on only once the work has ended.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

T = TypeVar("T")


_log: Final = structlog.get_logger("encore.database")


class Abandoned(Exception):
    """The work was cancelled by ``cancel_when``, because its result is no longer needed."""


class UnexpectedCancellation(Exception):
    """Work ended as cancelled, though nothing has cancelled its task: an error of the work."""


async def shield_until_done(
    job: "asyncio.Future[T]", hurry: Callable[[], object] | None = None
) -> T:
    """Wait for a job to end, even if cancelled meanwhile; only then raise the cancellation.

    Args:
        job: The work under way.
        hurry: Called when cancelled; makes the job end sooner.
    """
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        if hurry is not None:
            hurry()
        while not job.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({job})
        if not job.cancelled():
            job.exception()  # Marks it as retrieved.
        raise


async def cancel_when(
    event: Coroutine[Any, Any, object],
    work: Coroutine[Any, Any, T],
    hurry: Callable[[], object] | None = None,
) -> T:
    """Run work in a task and return its result; cancel it if an event comes first.

    An event that fails says nothing about the work, which goes on; the failure is logged.

    Args:
        event: Returns when the work is no longer needed.
        work: Has ended once this returns or raises, in every case.
        hurry: Called before the work is cancelled, so that a thread it waits for ends too.

    Raises:
        Abandoned: The event came first.
        UnexpectedCancellation: The work raised ``CancelledError`` without having been cancelled.
    """
    job = asyncio.create_task(work)
    watch = asyncio.create_task(event)
    abandoned = False

    def stop() -> None:
        if not job.done():
            if hurry is not None:
                hurry()
            job.cancel()

    def on_event(_: "asyncio.Task[object]") -> None:
        nonlocal abandoned
        if has_happened(watch):
            abandoned = True
            stop()

    watch.add_done_callback(on_event)
    try:
        return await shield_until_done(job, stop)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        if not abandoned:
            raise UnexpectedCancellation("the work was not cancelled, but ended so") from error
        raise Abandoned from None
    finally:
        watch.cancel()


def has_happened(event: "asyncio.Future[Any]") -> bool:
    """Return whether an event that is done has happened; log why, if waiting for it failed."""
    if event.cancelled():
        return False
    error = event.exception()
    if error is not None:
        _log.error("watch failed", error=type(error).__name__)
    return error is None
