"""A TCP proxy in the test's event loop that cuts connections at random places.

A connection is cut before its request has arrived whole, before its response leaves, or in the
middle of either. What was forwarded before stays forwarded, as on a network.
"""

import asyncio
import contextlib
import random
from typing import Final, Self

from tests.proofs.http_connection import HOST

_CHUNK: Final = 65_536
_MOST_BYTES: Final = 900
"""About the size of a request, and more than that of most responses."""


class CuttingProxy:
    """Forwards connections to a port on loopback, and cuts some.

    Args:
        target: The port of the server.
        seed: Of the random choices.

    Attributes:
        port: Where it listens.
        cut_share: The share of connections that are cut, 0 to 1.
        cuts: How many connections were cut.
    """

    def __init__(self, target: int, seed: int) -> None:
        self._target = target
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut_share = 0.0
        self.cuts = 0

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, HOST, 0)
        self.port: int = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._forward(reader, writer)
        except OSError:
            pass  # The server is being restarted, or the client has gone.
        except asyncio.CancelledError:
            pass  # The proxy is closed.
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection(HOST, self._target)
        upward = downward = None
        if self._random.random() < self.cut_share:
            self.cuts += 1
            limit = self._random.randrange(_MOST_BYTES)
            # Nothing of the response, some of it, or not even all of the request.
            upward, downward = self._random.choice(((None, 0), (None, limit), (limit, None)))
        try:
            directions = [
                asyncio.create_task(_pipe(reader, back_writer, upward)),
                asyncio.create_task(_pipe(back_reader, writer, downward)),
            ]
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            with contextlib.suppress(OSError):
                await asyncio.wait_for(writer.drain(), 1)
        finally:
            back_writer.transport.abort()


async def _pipe(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None
) -> None:
    """Forward one direction until it ends, or until its limit is passed, in bytes.

    The first bytes of a direction whose limit is 0 are awaited and dropped.
    """
    while chunk := await reader.read(_CHUNK):
        if limit is not None and len(chunk) >= limit:
            writer.write(chunk[:limit])
            return
        writer.write(chunk)
        await writer.drain()
        if limit is not None:
            limit -= len(chunk)
