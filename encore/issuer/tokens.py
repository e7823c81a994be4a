"""Tokens in the two vendors' shapes: their claims, and the answers that carry them.

The claims are those that Okta's custom authorization servers and Auth0's APIs put into access
tokens of the two grants, so that each vendor's own verifier takes ours for its own.
"""

import hashlib
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from encore.issuer.grants import Subject
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import AccessDeniedError, InvalidRequestError, InvalidScopeError
from encore.issuer.parameters import Parameters
from encore.issuer.scope_parameter import parse_scope
from encore.issuer.signing import SigningKey
from encore.issuer.token_store import ActiveToken, TokenStore

JWT = "jwt"
OPAQUE = "opaque"
EMAIL_CLAIM = "https://api.exampleco.com/email"
"""Where Auth0's timesheets sample has a rule put a person's e-mail address."""

_OPAQUE_BYTES = 32
_OKTA_ID_LETTERS = 17


class TokenProfile(Protocol):
    """How one vendor writes a token."""

    typ: str | None
    """The JWT header's ``typ``, or None for none."""

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Give the scopes to grant, or refuse the request."""

    def claims(
        self, subject: Subject, scopes: Sequence[str], parameters: Parameters
    ) -> dict[str, Any]:
        """Give the claims that are the vendor's own: all but ``iat`` and ``exp``."""


class OktaProfile:
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
        self, subject: Subject, scopes: Sequence[str], _parameters: Parameters
    ) -> dict[str, Any]:
        """Give Okta's claims; the audience is the authorization server's own."""
        person = {} if subject.user is None else {"uid": _okta_id(subject.user)}
        return {
            "ver": 1,
            "jti": f"AT.{uuid.uuid4()}",
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "cid": subject.client_id,
            **person,
            "scp": list(scopes),
            "sub": subject.user or subject.client_id,
        }


class Auth0Profile:
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
        self, subject: Subject, scopes: Sequence[str], parameters: Parameters
    ) -> dict[str, Any]:
        """Give Auth0's claims; the request may name one of the configured audiences.

        Raises:
            AccessDeniedError: It names another.
        """
        audiences = self._settings.auth0_audiences
        audience = parameters.get("audience", audiences[0])
        if audience not in audiences:
            raise AccessDeniedError("The audience is not enabled at this issuer.")
        if subject.user is None:
            by_grant = {"sub": f"{subject.client_id}@clients", "gty": "client-credentials"}
        else:
            sub = f"auth0|{subject.user}"
            by_grant = {"sub": sub, "gty": "password", EMAIL_CLAIM: subject.user}
        return {
            "iss": self._settings.auth0_issuer,
            "aud": audience,
            "azp": subject.client_id,
            **by_grant,
            "scope": " ".join(scopes),
            "permissions": list(scopes),
        }


class TokenIssuer:
    """Issues tokens and remembers them.

    Args:
        key: Signs them.
        token_store: Remembers them.
        token_seconds: Their life, in seconds.
    """

    def __init__(self, key: SigningKey, token_store: TokenStore, token_seconds: int) -> None:
        self._key = key
        self._token_store = token_store
        self._token_seconds = token_seconds

    def issue(
        self, shape: TokenProfile, subject: Subject, parameters: Parameters
    ) -> Mapping[str, Any]:
        """Issue a token and give the answer of RFC 6749 section 5.1.

        ``token_format=opaque`` asks for one that says nothing to who does not introspect it.
        """
        kind = parameters.get("token_format", JWT)
        if kind not in (JWT, OPAQUE):
            raise InvalidRequestError(f"The token_format must be {JWT} or {OPAQUE}.")
        scopes = shape.scopes(parameters)
        now = int(time.time())
        claims = shape.claims(subject, scopes, parameters)
        claims |= {"iat": now, "exp": now + self._token_seconds}
        if kind == OPAQUE:
            token = secrets.token_urlsafe(_OPAQUE_BYTES)
        else:
            token = self._key.sign(claims, typ=shape.typ)
        scope = " ".join(scopes)
        self._token_store.add(token, ActiveToken(subject.client_id, scope, claims))
        return {
            "token_type": "Bearer",
            "expires_in": self._token_seconds,
            "access_token": token,
            "scope": scope,
        }


def _okta_id(user: str) -> str:
    """Give a person's id in the form of Okta's: 00u and seventeen more; always the same."""
    return "00u" + hashlib.sha256(user.encode("utf-8")).hexdigest()[:_OKTA_ID_LETTERS]
