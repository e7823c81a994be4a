"""Waiting for work that, once begun, cannot be taken back: a statement in a thread, a commit."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def shield_until_done(
    job: "asyncio.Future[T]", hurry: Callable[[], object] | None = None
) -> T:
    """Wait for a job to end, also when cancelled, once or again: only then is that passed on.

    Args:
        job: What is under way.
        hurry: Makes it end sooner.
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
            job.exception()  # Retrieved here: nobody is told any more.
        raise
