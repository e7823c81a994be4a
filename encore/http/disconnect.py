"""Detects that a client has disconnected.

ASGI reports a closed connection on the body's channel: ``http.disconnect`` follows the whole body.
So a message that is read while watching is buffered for the application; at most one of an
incomplete body, which the application must then read first.

Nothing else may read the channel meanwhile: of two reads at a time, granian answers one with
``http.disconnect`` although the client is connected.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Any, Final

import structlog
from starlette.types import Message, Receive

_log: Final = structlog.get_logger("encore.http")

_POLL_S: Final = 0.01
"""How often to check whether the application's read has ended: granian's awaitables, which have
one callback, cannot be awaited twice."""


class DisconnectWatch:
    """Reads one request's channel ahead of the application.

    Args:
        receive: The channel; from now on it must only be read through this object.
        reading: What the application has read last, or is still waiting for.
    """

    def __init__(self, receive: Receive, reading: Awaitable[Message] | None = None) -> None:
        self._receive = receive
        self._reading: Any = reading
        self._buffer: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._disconnected = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        """Return the next message for the application."""
        while not self._buffer:
            if not self._is_reading:
                self._reading = self._receive()
                message: Message = await self._reading
                return message
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
        self._reading = None
        if self._reader is not None:
            self._reader.cancel()

    @property
    def _is_reading(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def _application_has_read(self) -> None:
        while hasattr(self._reading, "done") and not self._reading.done():  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)

    async def _read_ahead(self) -> None:
        try:
            await self._application_has_read()
            while True:
                message = await self._receive()
                self._buffer.append(message)
                self._arrived.set()
                if message["type"] == "http.disconnect":
                    self._disconnected.set()
                    return
                if message.get("more_body"):
                    return
        except Exception as error:  # noqa: BLE001 - the application's read raises it, if any
            # It does not say that the client has disconnected: the work goes on.
            _log.error("disconnects not detected", error=type(error).__name__)
        finally:
            self._arrived.set()  # From here the application reads the channel itself.
