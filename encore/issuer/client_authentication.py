"""Who is asking: client authentication by HTTP Basic or in the body (RFC 6749 section 2.3.1).

An unknown client and a wrong secret are told alike, in words and, by comparing digests of equal
length in every case, in time.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import unquote_plus

from starlette.requests import Request

from encore.issuer.oauth_errors import InvalidClientError, InvalidRequestError
from encore.issuer.parameters import Parameters

_REFUSAL = "Client authentication failed: the client is unknown or its secret is wrong."


class ClientRegistry:
    """The clients that may ask for tokens.

    Args:
        clients: Client id to client secret.
    """

    def __init__(self, clients: Mapping[str, str]) -> None:
        self._digests = {name: _digest(secret) for name, secret in clients.items()}
        self._nobody = secrets.token_bytes(32)

    def authenticate(self, request: Request, parameters: Parameters) -> str:
        """Give the id of the client that sent this request.

        Raises:
            InvalidClientError: It gave no credentials, or none that are right.
            InvalidRequestError: It gave them in two ways at once.
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
            # The RFC wants both parts form-urlencoded before base64. Most clients, the sample's
            # among them, send them plain, so that reading came first.
            return self._check(unquote_plus(client_id), unquote_plus(secret))

    def _check(self, client_id: str | None, secret: str | None) -> str:
        if not client_id or not secret:
            raise InvalidClientError("Client authentication is required: Basic, or in the body.")
        known = self._digests.get(client_id, self._nobody)
        if not hmac.compare_digest(known, _digest(secret)):
            raise InvalidClientError(_REFUSAL)
        return client_id


def _decode_basic(header: str) -> tuple[str, str]:
    """Give id and secret of a Basic header (RFC 7617), without judging them."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClientError("Client authentication must use the Basic scheme.")
    try:
        text = base64.b64decode(encoded.strip(" ").encode("ascii"), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise InvalidClientError("The Basic credentials are malformed.") from error
    client_id, _, secret = text.partition(":")
    return client_id, secret


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
