"""The HTTP client of an introspection endpoint (RFC 7662 section 2).

Owns the transport: Basic authentication with the form-urlencoded parts of RFC 6749 2.3.1, at most
64 KB, 3 s to connect and 5 s in total, no redirects, persistent connections. The token is sent in
the body, never in a URL. ``introspection`` validates the response.
"""

import asyncio
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlsplit

from encore.auth.document_fetcher import CONNECT_SECONDS, TOTAL_SECONDS, FetchError, read_bounded
from encore.auth.jws import decode_object
from encore.auth.trusted_issuer import is_loopback

if TYPE_CHECKING:
    import httpx

MAX_BYTES: Final = 64 * 1024


class IntrospectionClient:
    """Introspects tokens; for use within one event loop.

    Args:
        url: The URL of the endpoint.
        client_id: The client id for introspection.
        client_secret: Its secret.
        connect_seconds: Timeout of connecting, in seconds.
        total_seconds: Timeout of the whole request, in seconds.
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
        """Return the endpoint's response, a JSON object.

        Raises:
            FetchError: The request failed, or the response is not a JSON object.
        """
        import httpx  # noqa: PLC0415 - takes 134 ms, only needed with introspection

        try:
            async with asyncio.timeout(self._total_seconds):
                body = await self._post(token)
            return decode_object(body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise FetchError(type(error).__name__) from error
        except (ValueError, RecursionError) as error:
            raise FetchError("not-a-json-object") from error

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _post(self, token: str) -> bytes:
        form = {"token": token, "token_type_hint": "access_token"}
        async with self._get_client().stream(
            "POST", self._url, data=form, headers=self._headers
        ) as response:
            return await read_bounded(response, MAX_BYTES)

    def _get_client(self) -> "httpx.AsyncClient":
        import httpx  # noqa: PLC0415 - as above

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(self._total_seconds, connect=self._connect_seconds),
                follow_redirects=False,
                # A proxy of the environment cannot reach this machine's loopback.
                trust_env=not is_loopback(urlsplit(self._url).hostname or ""),
            )
        return self._client
