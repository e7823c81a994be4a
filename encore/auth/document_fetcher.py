"""Fetches documents of an issuer over HTTP, within limits.

Owns the transport: at most 256 KB, 3 s to connect and 5 s in total, no redirects, no compression.
``jwks_client`` decides which URLs are fetched. httpx takes 134 ms to import, so it is imported at
the first fetch and not with this module.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from encore.auth.trusted_issuer import is_loopback

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

CONNECT_SECONDS: Final = 3.0
TOTAL_SECONDS: Final = 5.0
MAX_BYTES: Final = 256 * 1024

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns the body of a 200 response to GET, or raises."""

_OK: Final = 200


class FetchError(Exception):
    """A URL did not return a usable response; the message is a code for the log."""


class DocumentFetcher:
    """Fetches documents over HTTP; a ``Fetch``.

    Args:
        connect_seconds: Timeout of connecting, in seconds.
        total_seconds: Timeout of the whole fetch, in seconds.
        max_bytes: Maximum size of the body, in bytes.
    """

    def __init__(
        self,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._connect_seconds = connect_seconds
        self._total_seconds = total_seconds
        self._max_bytes = max_bytes
        self._tls: SSLContext | None = None
        self.last_date: str | None = None
        """The ``Date`` header of the last response: the issuer's clock."""

    async def __call__(self, url: str) -> bytes:
        """Fetch a document.

        Raises:
            FetchError: The fetch failed.
        """
        import httpx  # noqa: PLC0415 - see the module's docstring

        if self._tls is None:
            # Loading the trusted certificates takes tens of milliseconds.
            self._tls = httpx.create_ssl_context()
        client = httpx.AsyncClient(
            verify=self._tls,
            timeout=httpx.Timeout(self._total_seconds, connect=self._connect_seconds),
            follow_redirects=False,
            # A proxy of the environment cannot reach this machine's loopback.
            trust_env=not is_loopback(urlsplit(url).hostname or ""),
        )
        try:
            # httpx limits each read; a slow server needs a limit on the whole.
            async with asyncio.timeout(self._total_seconds), client:
                return await self._read(client, url)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise FetchError(type(error).__name__) from error

    async def _read(self, client: "httpx.AsyncClient", url: str) -> bytes:
        # Without compression a small response cannot become a large one.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with client.stream("GET", url, headers=headers) as response:
            self.last_date = response.headers.get("Date")
            return await read_bounded(response, self._max_bytes)


async def read_bounded(response: "httpx.Response", max_bytes: int) -> bytes:
    """Read the body of a 200 response that is neither compressed nor longer than ``max_bytes``.

    Raises:
        FetchError: The response is another one.
    """
    if response.status_code != _OK:
        raise FetchError(f"status-{response.status_code}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchError("compressed")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > max_bytes:
            raise FetchError("too-large")
    return bytes(body)
