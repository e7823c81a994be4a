"""A TCP proxy in front of PostgreSQL, in the test's own event loop, that can go mute or reset.

Mute means what a lost NAT entry or a failed-over host means: the sockets stay, nothing is
forwarded, and what was connected then is never heard of again.
"""

import asyncio
from typing import Any, Self

from sqlalchemy import make_url


class Proxy:
    """Forwards between clients and the server of a URL.

    Attributes:
        is_mute: Whether nothing is forwarded; who connects meanwhile gets no answer either.
        is_deaf: Whether what the server says is not forwarded.
    """

    def __init__(self, url: str) -> None:
        self._server = make_url(url)
        self._flows: set[_Front] = set()
        self.is_mute = False
        self.is_deaf = False

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Front(self), "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        own = self._server.set(host="127.0.0.1", port=port, query={})
        self.url = own.render_as_string(hide_password=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.reset()

    def mute(self) -> None:
        """Forward nothing any more."""
        self.is_mute = True
        for flow in self._flows:
            flow.is_lost = True

    def heal(self) -> None:
        """Forward again what connects from now on; the server notices that the others are lost."""
        self.is_mute = False
        for flow in [one for one in self._flows if one.is_lost]:
            flow.abort()
            self._flows.discard(flow)

    def reset(self) -> None:
        """Reset all connections."""
        for flow in tuple(self._flows):
            flow.abort()

    async def connect(self, back: "_Back") -> None:
        """Connect to the server."""
        loop, server = asyncio.get_running_loop(), self._server
        directory = server.query.get("host")
        if directory:
            path = f"{directory}/.s.PGSQL.{server.port or 5432}"
            await loop.create_unix_connection(lambda: back, path)
        else:
            await loop.create_connection(lambda: back, server.host or "", server.port or 5432)


class _Back(asyncio.Protocol):
    """The side of the server."""

    def __init__(self, front: "_Front") -> None:
        self._front = front
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._front.flush()

    def data_received(self, data: bytes) -> None:
        self._front.answer(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._front.server_left()


class _Front(asyncio.Protocol):
    """The side of the client."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.is_lost = proxy.is_mute
        self._unsent = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._proxy._flows.add(self)
        self._back = _Back(self)
        if not self.is_lost:
            self._connecting = asyncio.ensure_future(self._proxy.connect(self._back))

    def data_received(self, data: bytes) -> None:
        self._unsent += data
        self.flush()

    def flush(self) -> None:
        if self._back.transport is not None and not self.is_lost:
            self._back.transport.write(self._unsent)
            self._unsent = b""

    def answer(self, data: bytes) -> None:
        if not (self.is_lost or self._proxy.is_deaf):
            self._transport.write(data)

    def server_left(self) -> None:
        if not self.is_lost:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if self.is_lost:
            return  # The server does not hear of it.
        self._proxy._flows.discard(self)
        if self._back.transport is not None:
            self._back.transport.close()

    def abort(self) -> None:
        self._transport.abort()
        if self._back.transport is not None:
            self._back.transport.abort()
