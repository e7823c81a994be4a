"""A TCP proxy for PostgreSQL, in the test's event loop, that can go mute or reset connections.

Mute is what a lost NAT entry or a failed-over host causes: the sockets stay open, nothing is
forwarded, and connections of that time never get data again.
"""

import asyncio
from typing import Any, Self

from sqlalchemy import make_url


class Proxy:
    """Forwards between clients and the server of a URL.

    Attributes:
        is_mute: Whether nothing is forwarded; new connections get no response either.
        drops_responses: Whether the server's responses are not forwarded.
    """

    def __init__(self, url: str) -> None:
        self._server = make_url(url)
        self._flows: set[_ClientSide] = set()
        self.is_mute = False
        self.drops_responses = False

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _ClientSide(self), "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        proxied = self._server.set(host="127.0.0.1", port=port, query={})
        self.url = proxied.render_as_string(hide_password=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.reset()

    def mute(self) -> None:
        """Stop forwarding."""
        self.is_mute = True
        for flow in self._flows:
            flow.is_lost = True

    def heal(self) -> None:
        """Forward new connections again; abort the lost ones, so that the server notices."""
        self.is_mute = False
        for flow in [flow for flow in self._flows if flow.is_lost]:
            flow.abort()
            self._flows.discard(flow)

    def reset(self) -> None:
        """Reset all connections."""
        for flow in tuple(self._flows):
            flow.abort()

    async def connect(self, back: "_ServerSide") -> None:
        """Connect to the server."""
        loop, server = asyncio.get_running_loop(), self._server
        directory = server.query.get("host")
        if directory:
            path = f"{directory}/.s.PGSQL.{server.port or 5432}"
            await loop.create_unix_connection(lambda: back, path)
        else:
            await loop.create_connection(lambda: back, server.host or "", server.port or 5432)


class _ServerSide(asyncio.Protocol):
    """The connection to the server."""

    def __init__(self, front: "_ClientSide") -> None:
        self._front = front
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._front.flush()

    def data_received(self, data: bytes) -> None:
        self._front.send_response(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._front.server_disconnected()


class _ClientSide(asyncio.Protocol):
    """The connection of the client."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.is_lost = proxy.is_mute
        self._unsent = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._proxy._flows.add(self)
        self._back = _ServerSide(self)
        if not self.is_lost:
            self._connecting = asyncio.ensure_future(self._proxy.connect(self._back))

    def data_received(self, data: bytes) -> None:
        self._unsent += data
        self.flush()

    def flush(self) -> None:
        if self._back.transport is not None and not self.is_lost:
            self._back.transport.write(self._unsent)
            self._unsent = b""

    def send_response(self, data: bytes) -> None:
        if not (self.is_lost or self._proxy.drops_responses):
            self._transport.write(data)

    def server_disconnected(self) -> None:
        if not self.is_lost:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if self.is_lost:
            return  # The server does not notice.
        self._proxy._flows.discard(self)
        if self._back.transport is not None:
            self._back.transport.close()

    def abort(self) -> None:
        self._transport.abort()
        if self._back.transport is not None:
            self._back.transport.abort()
