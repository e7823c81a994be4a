"""Requests to the API with a token that is fetched, cached and renewed as needed.

with Api(settings) as api:
    part = api.request("POST", "http://localhost:3000/parts", b'{"name": "Bread"}')
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Self

from encore.client.errors import (
    ApiRejectedError,
    ApiServerError,
    UnexpectedResponseError,
    UsageError,
)
from encore.client.responses import describe_error, is_redirect, parse_body, parse_problem
from encore.client.settings import ClientSettings
from encore.client.tokens import TokenSource
from encore.client.transport import READ_SECONDS, Transport
from encore.client.urls import origin, require_https, validate_url

if TYPE_CHECKING:
    import httpx

_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_SERVER_ERROR: Final = 500

Body = bytes | Iterable[bytes]


class Api:
    """An API that requires bearer tokens. Threads may share one instance.

    Args:
        settings: The issuer and the credentials to request tokens with.
        insecure: Whether secret and token may be sent over http to another machine.
        read_seconds: The read timeout: the longest wait for the next bytes of a response.

    Raises:
        InsecureError: The issuer is http on another machine.
    """

    def __init__(
        self,
        settings: ClientSettings,
        *,
        insecure: bool = False,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._insecure = insecure
        self._transport = Transport(read_seconds)
        self._tokens = TokenSource(settings, self._transport, insecure=insecure)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def request(
        self,
        method: str,
        url: str,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        empty: Any = None,
    ) -> Any:
        """Send a request and return the value of the JSON response.

        Args:
            method: In any case.
            url: Absolute.
            body: JSON text in UTF-8, unless the headers contain another ``Content-Type``; or
                chunks of it, which can be iterated again.
            headers: Further headers; ``Authorization`` and ``Accept`` are set here.
            empty: Returned when the response has no body, to distinguish that from ``null``.

        Raises:
            ApiRejectedError: 4xx; the message is the API's.
            ApiServerError: 5xx; the message is the API's.
            UnexpectedResponseError: A redirect, or a body that is not JSON.
            ClientError: As for ``send``.
        """
        response = self.send(method, url, body, headers)
        if is_redirect(response):
            raise UnexpectedResponseError(
                f"{origin(url)} responded with a redirect ({response.status_code}), which is not"
                " followed: the token is only sent to the requested URL."
            )
        if response.status_code >= _BAD_REQUEST:
            failed = response.status_code >= _SERVER_ERROR
            error_class = ApiServerError if failed else ApiRejectedError
            message = self._tokens.redact(describe_error(response))
            retry_after = response.headers.get("retry-after", "")
            error = error_class(message, response.status_code, retry_after)
            error.problem = parse_problem(response)
            raise error
        if not response.content:
            return empty
        try:
            return parse_body(response)
        except ValueError as error:
            media_type = response.headers.get("content-type", "no content type")
            raise UnexpectedResponseError(
                f"{origin(url)} responded {response.status_code} with a body that is not JSON"
                f" ({media_type})."
            ) from error

    def send(
        self,
        method: str,
        url: str,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "httpx.Response":
        """Send a request and return the response unchanged, whatever its status.

        After a 401 for a cached token the request is repeated once with a new one: the issuer
        may have new keys, or have revoked the token. The API rejects the token before it reads
        the body, so the request is not carried out twice.

        Raises:
            UsageError: The URL is malformed.
            InsecureError: The URL is http on another machine.
            ClientError: No token, or no response; see ``encore.client.errors``.
        """
        validate_url(url, "URL", UsageError)
        if not self._insecure:
            require_https(url, "token")
        sent = dict(headers or {}) | {"Accept": "application/json"}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        cached = self._tokens.cached_token
        token = self._tokens.get_token()
        response = self._send(method, url, body, sent, token)
        if response.status_code == _UNAUTHORIZED and token == cached:
            new_token = self._tokens.get_token(rejected=token)
            response = self._send(method, url, body, sent, new_token)
        return response

    def _send(
        self,
        method: str,
        url: str,
        body: Body | None,
        headers: Mapping[str, str],
        token: str,
    ) -> "httpx.Response":
        return self._transport.send(
            method.upper(),
            url,
            content=body,
            headers={**headers, "Authorization": f"Bearer {token}"},
        )
