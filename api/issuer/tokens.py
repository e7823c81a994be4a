"""Tokens in the two vendors' shapes: their claims, and the answers that carry them.

The claims are those that Okta's custom authorization servers and Auth0's APIs put into access
tokens of the client credentials grant, so that each vendor's own verifier takes ours for its own.
"""

import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from api.issuer.errors import AccessDeniedError, InvalidRequestError, InvalidScopeError
from api.issuer.ledger import Entry, Ledger
from api.issuer.parameters import Parameters
from api.issuer.scopes import parse_scope
from api.issuer.settings import IssuerSettings
from api.issuer.signing import SigningKey

JWT = "jwt"
OPAQUE = "opaque"
_OPAQUE_BYTES = 32


class Shape(Protocol):
    """How one vendor writes a token."""

    typ: str | None
    """The JWT header's ``typ``, or None for none."""

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Give the scopes to grant, or refuse the request."""

    def claims(
        self, client_id: str, scopes: Sequence[str], parameters: Parameters
    ) -> dict[str, Any]:
        """Give the claims that are the vendor's own: all but ``iat`` and ``exp``."""


class OktaShape:
    """Tokens of an Okta custom authorization server.

    Args:
        settings: Names the issuer and the audience.
    """

    typ: str | None = None

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings = settings

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Give the scopes asked for; Okta refuses a request that asks for none."""
        if "scope" not in parameters:
            raise InvalidScopeError("The scope parameter is required.")
        return parse_scope(parameters["scope"])

    def claims(
        self, client_id: str, scopes: Sequence[str], _parameters: Parameters
    ) -> dict[str, Any]:
        """Give Okta's claims; the audience is the authorization server's own."""
        return {
            "ver": 1,
            "jti": f"AT.{uuid.uuid4()}",
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "cid": client_id,
            "scp": list(scopes),
            "sub": client_id,
        }


class Auth0Shape:
    """Tokens of an Auth0 tenant for one of its APIs.

    Args:
        settings: Names the origin, the audiences and the default scopes.
    """

    typ: str | None = "JWT"

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings = settings

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Give the scopes asked for, or every default one, as Auth0 grants them."""
        if "scope" not in parameters:
            return tuple(self._settings.default_scopes)
        return parse_scope(parameters["scope"])

    def claims(
        self, client_id: str, scopes: Sequence[str], parameters: Parameters
    ) -> dict[str, Any]:
        """Give Auth0's claims; the request may name one of the configured audiences.

        Raises:
            AccessDeniedError: It names another.
        """
        audiences = self._settings.auth0_audiences
        audience = parameters.get("audience", audiences[0])
        if audience not in audiences:
            raise AccessDeniedError("The audience is not enabled at this issuer.")
        return {
            "iss": self._settings.auth0_issuer,
            "sub": f"{client_id}@clients",
            "aud": audience,
            "azp": client_id,
            "gty": "client-credentials",
            "scope": " ".join(scopes),
            "permissions": list(scopes),
        }


class Mint:
    """Issues tokens and remembers them.

    Args:
        key: Signs them.
        ledger: Remembers them.
        token_seconds: Their life, in seconds.
    """

    def __init__(self, key: SigningKey, ledger: Ledger, token_seconds: int) -> None:
        self._key = key
        self._ledger = ledger
        self._token_seconds = token_seconds

    def issue(self, shape: Shape, client_id: str, parameters: Parameters) -> Mapping[str, Any]:
        """Issue a token and give the answer of RFC 6749 section 5.1.

        ``token_format=opaque`` asks for one that says nothing to who does not introspect it.
        """
        kind = parameters.get("token_format", JWT)
        if kind not in (JWT, OPAQUE):
            raise InvalidRequestError(f"The token_format must be {JWT} or {OPAQUE}.")
        scopes = shape.scopes(parameters)
        now = int(time.time())
        claims = shape.claims(client_id, scopes, parameters)
        claims |= {"iat": now, "exp": now + self._token_seconds}
        if kind == OPAQUE:
            token = secrets.token_urlsafe(_OPAQUE_BYTES)
        else:
            token = self._key.sign(claims, typ=shape.typ)
        scope = " ".join(scopes)
        self._ledger.add(token, Entry(client_id, scope, claims))
        return {
            "token_type": "Bearer",
            "expires_in": self._token_seconds,
            "access_token": token,
            "scope": scope,
        }
