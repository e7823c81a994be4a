"""Waiting for a caller to leave, without taking from the application what the caller sends.

ASGI tells of a closed connection where the body is read: ``http.disconnect`` comes once all of the
body has. So a message that is read while waiting is kept for the application; no more than one of
an unfinished body, which then has to be read by the application first.
"""

import asyncio
from collections import deque

from starlette.types import Message, Receive


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
