"""Noticing that a caller has left, and ending work that nobody waits for any more.

ASGI tells of a closed connection where the body is read: ``http.disconnect`` comes once all of the
body has. So a message that is read while waiting is kept for the application; no more than one of
an unfinished body, which then has to be read by the application first.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from starlette.types import Message, Receive

from encore.database.cancellation import Abandoned, cancel_when
from encore.errors import ClientClosedRequest

T = TypeVar("T")


class DisconnectWatch:
    """Reads one request's channel ahead of the application.

    Args:
        receive: The channel; from here on to be read through this object alone.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._left = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        """Return the next message for the application."""
        while not self._kept:
            if not self._is_reading:
                return await self._receive()
            self._arrived.clear()
            await self._arrived.wait()
        return self._kept.popleft()

    async def left(self) -> None:
        """Return once the caller has left, or the response was sent."""
        if not self._kept and not self._is_reading:
            self._reading = asyncio.create_task(self._read())
        await self._left.wait()

    def close(self) -> None:
        """Stop reading: the request is over."""
        if self._reading is not None:
            self._reading.cancel()

    @property
    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def _read(self) -> None:
        try:
            while True:
                message = await self._receive()
                self._kept.append(message)
                self._arrived.set()
                if message["type"] == "http.disconnect":
                    self._left.set()
                    return
                if message.get("more_body"):
                    return
        finally:
            self._arrived.set()  # The application reads on by itself.


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
    try:
        return await cancel_when(_until_disconnected(receive), work, hurry)
    except Abandoned:
        raise ClientClosedRequest from None


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
