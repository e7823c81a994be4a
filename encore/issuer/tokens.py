"""Issues access tokens with the claims of a vendor (``token_profiles``)."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from encore.issuer.grants import Subject
from encore.issuer.oauth_errors import InvalidRequestError
from encore.issuer.parameters import Parameters
from encore.issuer.signing import SigningKey
from encore.issuer.token_store import ActiveToken, TokenStore

JWT: Final = "jwt"
OPAQUE: Final = "opaque"

_OPAQUE_BYTES: Final = 32


class TokenProfile(Protocol):
    """The claims of one vendor's tokens."""

    typ: str | None
    """``typ`` of the JWT header; None to omit it."""

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Return the scopes to grant. Raises ``OAuthError``."""

    def audience(self, parameters: Parameters) -> str:
        """Return ``aud`` of the token. Raises ``OAuthError``."""

    def claims(self, subject: Subject, scopes: Sequence[str], audience: str) -> dict[str, Any]:
        """Return all claims but ``iat`` and ``exp``."""


@dataclass(frozen=True)
class TokenGrant:
    """What a token is for.

    Args:
        scopes: Its scopes.
        audience: Its ``aud``.
    """

    scopes: Sequence[str]
    audience: str


@dataclass(frozen=True)
class IssuedToken:
    """A new token.

    Args:
        id_: The id by which ``TokenStore`` revokes it.
        subject: ``sub``.
        response: The response of RFC 6749 section 5.1.
    """

    id_: bytes
    subject: str
    response: Mapping[str, Any]


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
        self, profile: TokenProfile, subject: Subject, grant: TokenGrant, format_: str = JWT
    ) -> IssuedToken:
        """Issue a token.

        Args:
            profile: The vendor's claims.
            subject: Whom the token is of.
            grant: What it is for.
            format_: ``opaque`` for an opaque token, which must be introspected.
        """
        now = int(time.time())
        claims = profile.claims(subject, grant.scopes, grant.audience)
        claims |= {"iat": now, "exp": now + self._token_seconds}
        if format_ == OPAQUE:
            token = secrets.token_urlsafe(_OPAQUE_BYTES)
        else:
            token = self._key.sign(claims, typ=profile.typ)
        scope = " ".join(grant.scopes)
        active = ActiveToken(subject.client_id, scope, claims, subject.user)
        id_ = self._token_store.add(token, active)
        response = {
            "token_type": "Bearer",
            "expires_in": self._token_seconds,
            "access_token": token,
            "scope": scope,
        }
        return IssuedToken(id_, claims["sub"], response)


def parse_token_format(parameters: Parameters) -> str:
    """Return the requested format of a token. Raise ``InvalidRequestError``."""
    format_ = parameters.get("token_format", JWT)
    if format_ not in (JWT, OPAQUE):
        raise InvalidRequestError(f"The token_format must be {JWT} or {OPAQUE}.")
    return format_
