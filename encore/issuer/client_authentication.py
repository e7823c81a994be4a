"""Client authentication by HTTP Basic or in the body (RFC 6749 section 2.3.1).

An unknown client and a wrong secret get the same message, in the same time: digests of equal length
are compared in every case.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_plus

from starlette.requests import Request

from encore.issuer.oauth_errors import InvalidClientError, InvalidRequestError
from encore.issuer.parameters import Parameters

_FAILED: Final = "Client authentication failed: the client is unknown or its secret is wrong."


class ClientRegistry:
    """The clients that may request tokens.

    Args:
        clients: Client secrets by client id.
    """

    def __init__(self, clients: Mapping[str, str]) -> None:
        self._digests = {name: _digest(secret) for name, secret in clients.items()}
        self._unknown = secrets.token_bytes(32)

    def authenticate(self, request: Request, parameters: Parameters) -> str:
        """Return the id of the client that sent a request.

        Raises:
            InvalidClientError: Its credentials are missing or wrong.
            InvalidRequestError: It sent credentials in two ways.
        """
        headers = request.headers.getlist("authorization")
        if len(headers) > 1:
            raise InvalidRequestError("Authorization was sent more than once.")
        if not headers:
            return self._check(parameters.get("client_id"), parameters.get("client_secret"))
        if "client_secret" in parameters:
            raise InvalidRequestError("The client authenticated in two ways at once.")
        client_id = self._check_basic(headers[0])
        if parameters.get("client_id", client_id) != client_id:
            raise InvalidRequestError("The client_id is not the one that authenticated.")
        return client_id

    def _check_basic(self, header: str) -> str:
        client_id, secret = _decode_basic(header)
        try:
            return self._check(client_id, secret)
        except InvalidClientError:
            # By the RFC both parts are form-urlencoded before base64. Most clients, such as the
            # sample's, send them unencoded, so that is tried first.
            return self._check(unquote_plus(client_id), unquote_plus(secret))

    def _check(self, client_id: str | None, secret: str | None) -> str:
        if not client_id or not secret:
            raise InvalidClientError("Client authentication is required: Basic, or in the body.")
        expected = self._digests.get(client_id, self._unknown)
        if not hmac.compare_digest(expected, _digest(secret)):
            raise InvalidClientError(_FAILED)
        return client_id


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
