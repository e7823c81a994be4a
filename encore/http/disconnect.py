"""Detects that a client has disconnected, and cancels work whose result cannot be sent.

ASGI reports a closed connection on the body's channel: ``http.disconnect`` follows the whole body.
So a message that is read while watching is buffered for the application; at most one of an
incomplete body, which the application must then read first.
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
        receive: The channel; from now on it must only be read through this object.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._buffer: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._disconnected = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        """Return the next message for the application."""
        while not self._buffer:
            if not self._is_reading:
                return await self._receive()
            self._arrived.clear()
            await self._arrived.wait()
        return self._buffer.popleft()

    async def disconnected(self) -> None:
        """Return once the client has disconnected, or the response was sent."""
        if not self._buffer and not self._is_reading:
            self._reader = asyncio.create_task(self._read_ahead())
        await self._disconnected.wait()

    def close(self) -> None:
        """Stop reading at the end of the request."""
        if self._reader is not None:
            self._reader.cancel()

    @property
    def _is_reading(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def _read_ahead(self) -> None:
        try:
            while True:
                message = await self._receive()
                self._buffer.append(message)
                self._arrived.set()
                if message["type"] == "http.disconnect":
                    self._disconnected.set()
                    return
                if message.get("more_body"):
                    return
        finally:
            self._arrived.set()  # From here the application reads the channel itself.


async def while_connected(
    receive: Receive, work: Coroutine[Any, Any, T], interrupt: Callable[[], None]
) -> T:
    """Return the result of the work; cancel it once the client has disconnected.

    Args:
        receive: The request's channel; its body must have been read.
        work: The work to do.
        interrupt: Called before the work is cancelled, to end a thread that it waits for.

    Raises:
        ClientClosedRequest: The client has disconnected and the work has ended.
    """
    try:
        return await cancel_when(_until_disconnected(receive), work, interrupt)
    except Abandoned:
        raise ClientClosedRequest from None


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
