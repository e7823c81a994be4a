"""Sending a request with a token: over loopback or httpx, renewed once after a 401."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from client.requesting.loopback import LoopbackTransport, is_plain_loopback
from client.requesting.messages import Request, Response

if TYPE_CHECKING:
    import httpx

    from client.requesting.verbose import VerboseExchange
    from encore.client.transport import Transport

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 30.0
"""Between two chunks of a response, not for the whole of it."""

_UNAUTHORIZED: Final = 401


class AccessTokens(Protocol):
    """Where the token of a request comes from."""

    def get(self) -> str:
        """Return a token. Raise ``ClientError`` if there is none."""

    def renew(self, rejected: str) -> str:
        """Return another token than a rejected one, or the same if there is no other."""


class Sender:
    """Sends requests until it is closed.

    Args:
        tokens: Where tokens come from.
        timeout: The longest wait for a connection, and for the next bytes of a response.
        verbose: Shows requests and responses; None shows nothing.
    """

    def __init__(
        self,
        tokens: AccessTokens,
        timeout: float | None = None,
        verbose: "VerboseExchange | None" = None,
    ) -> None:
        self._tokens = tokens
        self._verbose = verbose
        self._connect_seconds = timeout or CONNECT_SECONDS
        self._read_seconds = timeout or READ_SECONDS
        self._loopback = LoopbackTransport(self._connect_seconds, self._read_seconds)
        self._remote: Transport | None = None
        self._streams: list[Any] = []

    def close(self) -> None:
        """Close all connections."""
        self._loopback.close()
        self._close_streams()
        if self._remote is not None:
            self._remote.close()

    def send(self, request: Request) -> Response:
        """Send a request with a token; after a 401, once more if there is another token.

        The API rejects a token before it reads the body, so that the request is not carried out
        twice.

        Raises:
            ClientError: No token, or no response.
        """
        token = self._tokens.get()
        response = self.send_as_is(_with_token(request, token))
        if response.status_code == _UNAUTHORIZED:
            renewed = self._tokens.renew(token)
            if renewed != token:
                response.discard()
                response = self.send_as_is(_with_token(request, renewed))
        return response

    def send_as_is(self, request: Request) -> Response:
        """Send a request as it is. Raise ``NetworkError`` or ``ConfigurationError``."""
        if self._verbose is not None:
            self._verbose.show_request(request)
        local = is_plain_loopback(request.url)
        response = self._loopback.send(request) if local else self._send_remote(request)
        if self._verbose is not None:
            self._verbose.show_response(response)
        return response

    def _close_streams(self) -> None:
        """Close the response of the request before, which is read; each of many pages has one."""
        while self._streams:
            self._streams.pop().__exit__(None, None, None)

    def _send_remote(self, request: Request) -> Response:
        from encore.client.lean_httpx import httpx  # noqa: PLC0415 - start-up.
        from encore.client.transport import Transport  # noqa: PLC0415 - start-up.

        self._close_streams()
        self._remote = self._remote or Transport(self._read_seconds)
        timeout = httpx.Timeout(self._read_seconds, connect=self._connect_seconds)
        stream = self._remote.stream(
            request.url,
            request.method,
            content=request.body,
            headers=list(request.headers),
            timeout=timeout,
        )
        response, chunks = stream.__enter__()
        self._streams.append(stream)
        return _from_httpx(response, chunks)


def _with_token(request: Request, token: str) -> Request:
    return request.with_header("Authorization", f"Bearer {token}")


def _from_httpx(response: "httpx.Response", chunks: Iterator[bytes]) -> Response:
    pairs = response.headers.multi_items()
    return Response(response.status_code, response.reason_phrase, pairs, chunks)
