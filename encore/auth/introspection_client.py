"""One question to an introspection endpoint (RFC 7662 section 2) over HTTP, within narrow limits.

Owns the transport: Basic authentication with the form-urlencoded parts of RFC 6749 2.3.1, at most
64 KB, 3 s to connect and 5 s in all, no redirects, connections kept. The token goes into the body,
never into an address. What an answer means is left to ``introspection``.
"""

import asyncio
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlsplit

from encore.auth.document_fetcher import CONNECT_SECONDS, TOTAL_SECONDS, FetchError, read_bounded
from encore.auth.trusted_issuer import is_loopback

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 64 * 1024


class IntrospectionClient:
    """Asks about one token; to be used within one event loop.

    Args:
        url: Where.
        client_id: Who asks.
        client_secret: Proves it.
        connect_seconds: Limit on establishing the connection, seconds.
        total_seconds: Limit on everything, seconds.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._url = url
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Authorization": f"Basic {b64encode(pair).decode()}",
        }
        self._connect_seconds = connect_seconds
        self._total_seconds = total_seconds
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, token: str) -> dict[str, Any]:
        """Give the endpoint's answer, a JSON object.

        Raises:
            DownloadError: Whatever stood in the way.
        """
        import httpx  # noqa: PLC0415  134 ms, for whoever switches introspection on

        try:
            async with asyncio.timeout(self._total_seconds):
                body = await self._ask(token)
            answer = json.loads(body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise FetchError(type(error).__name__) from error
        except (ValueError, RecursionError) as error:
            raise FetchError("not-json") from error
        if not isinstance(answer, dict):
            raise FetchError("not-an-object")
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, token: str) -> bytes:
        form = {"token": token, "token_type_hint": "access_token"}
        async with self._connected().stream(
            "POST", self._url, data=form, headers=self._headers
        ) as response:
            return await read_bounded(response, MAX_BYTES)

    def _connected(self) -> "httpx.AsyncClient":
        import httpx  # noqa: PLC0415  as above

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(self._total_seconds, connect=self._connect_seconds),
                follow_redirects=False,
                # A proxy of the environment cannot reach our loopback.
                trust_env=not is_loopback(urlsplit(self._url).hostname or ""),
            )
        return self._client
