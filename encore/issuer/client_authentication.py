"""Client authentication by HTTP Basic or in the body (RFC 6749 section 2.3.1).

An unknown client and a wrong secret get the same message, in the same time: digests of equal length
are compared in every case. Repeated wrong secrets are delayed (``encore.issuer.guess_limit``).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote_plus

from starlette.requests import Request

from encore.issuer.clients import PublicClient
from encore.issuer.guess_limit import GuessLimit
from encore.issuer.oauth_errors import (
    InvalidClientError,
    InvalidRequestError,
    TooManyGuessesError,
)
from encore.issuer.parameters import Parameters

_FAILED: Final = "Client authentication failed: the client is unknown or its secret is wrong."


class ClientRegistry:
    """The clients that may request tokens.

    Args:
        clients: Client secrets by client id.
        limit: Limits wrong secrets.
        public: The clients without a secret.
    """

    def __init__(
        self,
        clients: Mapping[str, str],
        limit: GuessLimit | None = None,
        public: Iterable[PublicClient] = (),
    ) -> None:
        self._limit = limit or GuessLimit()
        self._digests = {name: _digest(secret) for name, secret in clients.items()}
        self._unknown = secrets.token_bytes(32)
        self._public = {client.id_ for client in public}

    def identify(self, request: Request, parameters: Parameters) -> str:
        """Return the id of a client that may be public; all others must authenticate.

        A public client names itself in the body, or by Basic with an empty password, as an empty
        secret is the same as none (RFC 6749 section 2.3.1).

        Raises:
            InvalidClientError: Its credentials are missing or wrong.
            TooManyGuessesError: Too many were wrong; these are not looked at.
            InvalidRequestError: It sent credentials in two ways.
        """
        headers = request.headers.getlist("authorization")
        client_id = parameters.get("client_id")
        if len(headers) == 1:
            named, secret = _decode_basic(headers[0])
            # Both spellings, as below.
            named = named if named in self._public else unquote_plus(named)
            if not secret and named in self._public and client_id in (None, named):
                client_id, headers = named, []
        if headers or client_id not in self._public:
            return self.authenticate(request, parameters)
        if "client_secret" in parameters:
            raise InvalidClientError("The client is public: it has no secret.")
        return client_id

    def is_public(self, client_id: str) -> bool:
        """Return whether a client has no secret."""
        return client_id in self._public

    def authenticate(self, request: Request, parameters: Parameters) -> str:
        """Return the id of the client that sent a request.

        Raises:
            InvalidClientError: Its credentials are missing or wrong.
            TooManyGuessesError: Too many were wrong; these are not looked at.
            InvalidRequestError: It sent credentials in two ways.
        """
        address = "" if request.client is None else request.client.host
        headers = request.headers.getlist("authorization")
        if len(headers) > 1:
            raise InvalidRequestError("Authorization was sent more than once.")
        if not headers:
            return self._check(
                address, (parameters.get("client_id"), parameters.get("client_secret"))
            )
        if "client_secret" in parameters:
            raise InvalidRequestError("The client authenticated in two ways at once.")
        client_id = self._check_basic(address, headers[0])
        if parameters.get("client_id", client_id) != client_id:
            raise InvalidRequestError("The client_id is not the one that authenticated.")
        return client_id

    def _check_basic(self, address: str, header: str) -> str:
        client_id, secret = _decode_basic(header)
        # By the RFC both parts are form-urlencoded before base64. Most clients, such as the
        # sample's, send them unencoded, so that is tried first.
        encoded = (unquote_plus(client_id), unquote_plus(secret))
        return self._check(address, (client_id, secret), encoded)

    def _check(self, address: str, *pairs: tuple[str | None, str | None]) -> str:
        """Return the client id of the first right pair; all of them are one guess."""
        if not pairs[0][0] or not pairs[0][1]:
            raise InvalidClientError("Client authentication is required: Basic, or in the body.")
        # Both forms are counted: an id has many encodings, and each may be the one of a guess.
        named = {client_id for client_id, _ in pairs if client_id}
        seconds = max(self._limit.remaining_seconds(name, address) for name in named)
        if seconds > 0:
            raise TooManyGuessesError(seconds)
        for client_id, secret in pairs:
            if client_id and secret and self._is_right(client_id, secret):
                self._limit.reset(client_id, address)
                return client_id
        for name in named:
            self._limit.add_wrong(name, address)
        raise InvalidClientError(_FAILED)

    def _is_right(self, client_id: str, secret: str) -> bool:
        expected = self._digests.get(client_id, self._unknown)
        return hmac.compare_digest(expected, _digest(secret))


def _decode_basic(header: str) -> tuple[str, str]:
    """Return the unverified id and secret of a Basic header (RFC 7617)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClientError("Client authentication must use the Basic scheme.")
    try:
        pair = base64.b64decode(encoded.strip(" ").encode("ascii"), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise InvalidClientError("The Basic credentials are malformed.") from error
    client_id, _, secret = pair.partition(":")
    return client_id, secret


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
