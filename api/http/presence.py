"""Work that nobody waits for any more: it ends when the caller's connection does."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from api.errors import ClientClosedRequest

T = TypeVar("T")


async def while_connected(
    receive: Receive, work: Coroutine[Any, Any, T], hurry: Callable[[], None]
) -> T:
    """Return what the work returns; cancel it once the caller has left.

    Args:
        receive: The request's channel, its body read to the end.
        work: What is done for the caller.
        hurry: Called before the work is cancelled, so that a thread it waits for ends too.

    Raises:
        ClientClosedRequest: The caller has left, and the work has ended.
    """
    job = asyncio.ensure_future(work)
    watch = asyncio.create_task(_until_disconnected(receive))
    try:
        await asyncio.wait({job, watch}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watch.cancel()
        if not job.done():
            hurry()
            job.cancel()
            await asyncio.wait({job})
    if job.cancelled():
        raise ClientClosedRequest
    return job.result()


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
