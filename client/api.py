"""The library: requests to the API with a token that is fetched, kept and renewed on the way.

with Api(load_settings(os.environ, ".")) as api:
    part = api.request("POST", "http://localhost:3000/parts", b'{"name": "Bread"}')
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from client.address import check_confidential, check_url, origin
from client.answers import describe_refusal, is_redirect, parse_json
from client.errors import (
    ApiFailedError,
    ApiRefusedError,
    UnexpectedAnswerError,
    UsageError,
)
from client.settings import ClientSettings
from client.tokens import TokenSource
from client.transport import READ_SECONDS, Transport

if TYPE_CHECKING:
    import httpx

_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_SERVER_ERROR = 500


class Api:
    """An API behind bearer tokens. Threads may share one.

    Args:
        settings: Where tokens come from.
        insecure: Whether secret and token may go over http to another machine.
        read_seconds: The longest wait for an answer, or for its next piece, in seconds.

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
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        nothing: Any = None,
    ) -> Any:
        """Send a request and give the value of the JSON answer.

        Args:
            method: In any case.
            url: Absolute.
            body: JSON text in UTF-8, unless a ``Content-Type`` among the headers says otherwise.
            headers: Further headers; ``Authorization`` and ``Accept`` are ours.
            nothing: Given when the answer has no body, to tell that from ``null``.

        Raises:
            ApiRefusedError: 4xx; the text is the API's message.
            ApiFailedError: 5xx, likewise.
            UnexpectedAnswerError: A redirect, or something that is not JSON.
            ClientError: As for ``send``.
        """
        response = self.send(method, url, body, headers)
        if is_redirect(response):
            raise UnexpectedAnswerError(
                f"{origin(url)} answered with a redirect ({response.status_code}), which is not"
                " followed: the token is meant for the URL that was asked for."
            )
        if response.status_code >= _BAD_REQUEST:
            failed = response.status_code >= _SERVER_ERROR
            refusal = ApiFailedError if failed else ApiRefusedError
            text = self._tokens.redact(describe_refusal(response))
            raise refusal(response.status_code, text, response.headers.get("retry-after", ""))
        if not response.content:
            return nothing
        try:
            return parse_json(response.content)
        except ValueError as error:
            kind = response.headers.get("content-type", "no content type")
            raise UnexpectedAnswerError(
                f"{origin(url)} answered {response.status_code} with something that is not JSON"
                f" ({kind})."
            ) from error

    def send(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "httpx.Response":
        """Send a request and give the answer as it is, whatever its status.

        A 401 to a token from memory is tried once more with a new one: the issuer may have new
        keys, or have revoked it. The API refuses before it reads the body, so nothing is done
        twice.

        Raises:
            UsageError: The URL is none.
            InsecureError: It is http to another machine.
            ClientError: No token, or no answer; see ``client.errors``.
        """
        check_url(url, "URL", UsageError)
        if not self._insecure:
            check_confidential(url, "token")
        sent = dict(headers or {}) | {"Accept": "application/json"}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        remembered = self._tokens.remembered
        token = self._tokens.get()
        response = self._send(method, url, body, sent, token)
        if response.status_code == _UNAUTHORIZED and token == remembered:
            response = self._send(method, url, body, sent, self._tokens.get(refused=token))
        return response

    def _send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], token: str
    ) -> "httpx.Response":
        return self._transport.send(
            method.upper(),
            url,
            content=body,
            headers={**headers, "Authorization": f"Bearer {token}"},
        )
