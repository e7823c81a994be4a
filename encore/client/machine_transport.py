"""Transports that treat this machine apart: without proxies, and without certificates to load.

Loading the certificate authorities takes longer than a request to a local service. No authority
issues certificates for localhost, so an empty set rejects what the full one does.
"""

from threading import Lock

from encore.client.lean_httpx import httpx
from encore.client.transport import connection_options, invalid_machine_settings
from encore.client.urls import is_loopback


class MachineTransport(httpx.BaseTransport):
    """Sends requests by one of two clients of httpx, which are created when they are needed."""

    def __init__(self) -> None:
        self._clients: dict[bool, httpx.Client] = {}
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over a kept-alive connection."""
        is_local = is_loopback(str(request.url))
        with self._lock, invalid_machine_settings():
            if is_local not in self._clients:
                self._clients[is_local] = httpx.Client(**connection_options(is_local=is_local))
        return self._clients[is_local].send(request, stream=True, auth=None, follow_redirects=False)

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()


class AsyncMachineTransport(httpx.AsyncBaseTransport):
    """Sends requests of tasks, as ``MachineTransport`` does."""

    def __init__(self) -> None:
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over a kept-alive connection."""
        is_local = is_loopback(str(request.url))
        if is_local not in self._clients:
            with invalid_machine_settings():
                self._clients[is_local] = httpx.AsyncClient(**connection_options(is_local=is_local))
        return await self._clients[is_local].send(
            request, stream=True, auth=None, follow_redirects=False
        )

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
