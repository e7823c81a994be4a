"""Issues tokens with the claims of Okta or Auth0.

The claims are those of access tokens of Okta's custom authorization servers and Auth0's APIs for
the supported grants, so that each vendor's own verifier accepts them.
"""

import hashlib
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from encore.issuer.grants import Subject
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import AccessDeniedError, InvalidRequestError, InvalidScopeError
from encore.issuer.parameters import Parameters
from encore.issuer.scope_parameter import parse_scope
from encore.issuer.signing import SigningKey
from encore.issuer.token_store import ActiveToken, TokenStore

JWT: Final = "jwt"
OPAQUE: Final = "opaque"
EMAIL_CLAIM: Final = "https://api.exampleco.com/email"
"""The claim with a user's e-mail address in Auth0's timesheets sample, where a rule sets it."""

_OPAQUE_BYTES: Final = 32
_OKTA_ID_LENGTH: Final = 17


class TokenProfile(Protocol):
    """The claims of one vendor's tokens."""

    typ: str | None
    """``typ`` of the JWT header; None to omit it."""

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Return the scopes to grant. Raises ``OAuthError``."""

    def claims(
        self, subject: Subject, scopes: Sequence[str], parameters: Parameters
    ) -> dict[str, Any]:
        """Return all claims but ``iat`` and ``exp``."""


class OktaProfile:
    """Tokens of an Okta custom authorization server.

    Args:
        settings: For the issuer and the audience.
    """

    typ: str | None = None

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings = settings

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Return the requested scopes; like Okta, reject a request without any."""
        if "scope" not in parameters:
            raise InvalidScopeError("The scope parameter is required.")
        return parse_scope(parameters["scope"])

    def claims(
        self, subject: Subject, scopes: Sequence[str], _parameters: Parameters
    ) -> dict[str, Any]:
        """Return Okta's claims; the audience is that of the authorization server."""
        user_claims = {} if subject.user is None else {"uid": _okta_id(subject.user)}
        return {
            "ver": 1,
            "jti": f"AT.{uuid.uuid4()}",
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "cid": subject.client_id,
            **user_claims,
            "scp": list(scopes),
            "sub": subject.user or subject.client_id,
        }


class Auth0Profile:
    """Tokens of an Auth0 tenant for one of its APIs.

    Args:
        settings: For the origin, the audiences and the default scopes.
    """

    typ: str | None = "JWT"

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings = settings

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Return the requested scopes, by default all, like Auth0."""
        if "scope" not in parameters:
            return tuple(self._settings.default_scopes)
        return parse_scope(parameters["scope"])

    def claims(
        self, subject: Subject, scopes: Sequence[str], parameters: Parameters
    ) -> dict[str, Any]:
        """Return Auth0's claims; the request may name one of the configured audiences.

        Raises:
            AccessDeniedError: It names another audience.
        """
        audiences = self._settings.auth0_audiences
        audience = parameters.get("audience", audiences[0])
        if audience not in audiences:
            raise AccessDeniedError("The audience is not enabled at this issuer.")
        if subject.user is None:
            grant_claims = {"sub": f"{subject.client_id}@clients", "gty": "client-credentials"}
        else:
            sub = f"auth0|{subject.user}"
            grant_claims = {"sub": sub, "gty": "password", EMAIL_CLAIM: subject.user}
        return {
            "iss": self._settings.auth0_issuer,
            "aud": audience,
            "azp": subject.client_id,
            **grant_claims,
            "scope": " ".join(scopes),
            "permissions": list(scopes),
        }


class RFC9068Profile:
    """Tokens of a vendor's shape with all that RFC 9068 section 2.2 requires.

    Args:
        profile: The vendor's shape.
    """

    typ: str | None = "at+jwt"

    def __init__(self, profile: TokenProfile) -> None:
        self._profile = profile

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Return the scopes to grant. Raises ``OAuthError``."""
        return self._profile.scopes(parameters)

    def claims(
        self, subject: Subject, scopes: Sequence[str], parameters: Parameters
    ) -> dict[str, Any]:
        """Return the vendor's claims and those that it may leave out."""
        claims = {"jti": f"AT.{uuid.uuid4()}", "scope": " ".join(scopes)}
        claims |= self._profile.claims(subject, scopes, parameters)
        return claims | {"client_id": subject.client_id}


class TokenIssuer:
    """Issues tokens and adds them to the store.

    Args:
        key: Signs tokens.
        token_store: Stores tokens.
        token_seconds: Lifetime of a token, in seconds.
    """

    def __init__(self, key: SigningKey, token_store: TokenStore, token_seconds: int) -> None:
        self._key = key
        self._token_store = token_store
        self._token_seconds = token_seconds

    def issue(
        self, profile: TokenProfile, subject: Subject, parameters: Parameters
    ) -> Mapping[str, Any]:
        """Issue a token; return the response of RFC 6749 section 5.1.

        ``token_format=opaque`` requests an opaque token, which must be introspected.
        """
        format_ = parameters.get("token_format", JWT)
        if format_ not in (JWT, OPAQUE):
            raise InvalidRequestError(f"The token_format must be {JWT} or {OPAQUE}.")
        scopes = profile.scopes(parameters)
        now = int(time.time())
        claims = profile.claims(subject, scopes, parameters)
        claims |= {"iat": now, "exp": now + self._token_seconds}
        if format_ == OPAQUE:
            token = secrets.token_urlsafe(_OPAQUE_BYTES)
        else:
            token = self._key.sign(claims, typ=profile.typ)
        scope = " ".join(scopes)
        self._token_store.add(token, ActiveToken(subject.client_id, scope, claims))
        return {
            "token_type": "Bearer",
            "expires_in": self._token_seconds,
            "access_token": token,
            "scope": scope,
        }


def _okta_id(user: str) -> str:
    """Return a user's id in Okta's format: 00u and 17 characters, the same for each user."""
    return "00u" + hashlib.sha256(user.encode("utf-8")).hexdigest()[:_OKTA_ID_LENGTH]
