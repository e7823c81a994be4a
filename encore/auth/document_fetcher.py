"""Documents of an issuer over HTTP, within narrow limits.

Owns the transport: at most 256 KB, 3 s to connect and 5 s in all, no redirects, no compression.
Which addresses are asked is decided by ``discovery``. httpx takes 134 ms to import, so it is
imported at the first download and not with this module.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from encore.auth.trusted_issuer import is_loopback

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 5.0
MAX_BYTES = 256 * 1024

Fetch = Callable[[str], Awaitable[bytes]]
"""Gives the body of a 200 response to GET, or raises; tests put in their own."""

_OK = 200


class FetchError(Exception):
    """There is no usable answer at this address; the text is a code for the log."""


class DocumentFetcher:
    """The ``Fetch`` of production.

    Args:
        connect_seconds: Limit on establishing the connection, seconds.
        total_seconds: Limit on everything, seconds.
        max_bytes: Limit on the body, bytes.
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
        """The Date header of the last answer: the issuer's clock, for who wants to compare."""

    async def __call__(self, url: str) -> bytes:
        """Get a document.

        Raises:
            DownloadError: Whatever stood in the way.
        """
        import httpx  # noqa: PLC0415  see the module's paragraph

        if self._tls is None:
            # Reading the trusted certificates takes tens of milliseconds: once.
            self._tls = httpx.create_ssl_context()
        client = httpx.AsyncClient(
            verify=self._tls,
            timeout=httpx.Timeout(self._total_seconds, connect=self._connect_seconds),
            follow_redirects=False,
            # A proxy of the environment cannot reach our loopback.
            trust_env=not is_loopback(urlsplit(url).hostname or ""),
        )
        try:
            # httpx limits each read; a server that drips bytes needs a limit on the whole.
            async with asyncio.timeout(self._total_seconds), client:
                return await self._read(client, url)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise FetchError(type(error).__name__) from error

    async def _read(self, client: "httpx.AsyncClient", url: str) -> bytes:
        # Without compression a small answer cannot unpack into a large one.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with client.stream("GET", url, headers=headers) as response:
            self.last_date = response.headers.get("Date")
            return await read_bounded(response, self._max_bytes)


async def read_bounded(response: "httpx.Response", max_bytes: int) -> bytes:
    """Read the body of a 200 that is neither compressed nor longer than ``max_bytes``.

    Raises:
        DownloadError: It is anything else.
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
