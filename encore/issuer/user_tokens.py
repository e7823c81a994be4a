"""The tokens that a user's consent leads to: access, ID and refresh tokens.

All of them are one family, so that they can be revoked together. Refresh tokens are rotated: each
can be used once, and one that is used again has leaked, which ends the family (RFC 9700 section
4.14.2). They expire when they are not used for a day.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from encore.issuer.consent import Approval
from encore.issuer.expiring_store import ExpiringStore
from encore.issuer.grants import AUTHORIZATION_CODE, Subject
from encore.issuer.id_tokens import IdTokenIssuer, claims_about
from encore.issuer.scope_descriptions import OFFLINE_ACCESS, OPENID
from encore.issuer.token_store import TokenStore
from encore.issuer.tokens import JWT, TokenGrant, TokenIssuer, TokenProfile

REFRESH_SECONDS: Final = 86_400
"""How long a refresh token can be used."""


@dataclass
class TokenFamily:
    """All tokens of one consent.

    Args:
        client_id: The client.
        audience: ``aud`` of the access tokens.
        approval: What the user allowed.
        nonce: That of the authorization request, until it was returned.
        access_tokens: Their ids in the token store.
        is_revoked: Whether all of them were revoked.
    """

    client_id: str
    audience: str
    approval: Approval
    nonce: str | None = None
    access_tokens: list[bytes] = field(default_factory=list)
    is_revoked: bool = False


@dataclass
class RefreshToken:
    """A refresh token.

    Args:
        family: The family that it continues.
        is_used: Whether it was exchanged.
    """

    family: TokenFamily
    is_used: bool = False


class UserTokens:
    """Issues and revokes the tokens of users, in one vendor's shape.

    Args:
        profile: The vendor's claims.
        token_issuer: Issues access tokens.
        id_tokens: Issues ID tokens.
        token_store: The active access tokens.
        clock: Returns a monotonic time, in seconds.
    """

    def __init__(
        self,
        profile: TokenProfile,
        token_issuer: TokenIssuer,
        id_tokens: IdTokenIssuer,
        token_store: TokenStore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.profile = profile
        self._token_issuer = token_issuer
        self._id_tokens = id_tokens
        self._token_store = token_store
        self._refresh_tokens = ExpiringStore[RefreshToken](REFRESH_SECONDS, clock)

    def issue(
        self, family: TokenFamily, scopes: Sequence[str] | None = None, format_: str = JWT
    ) -> Mapping[str, Any]:
        """Issue tokens; return the response of RFC 6749 section 5.1.

        Args:
            family: What they belong to.
            scopes: Those of the access token; None for all that the user allowed.
            format_: That of the access token.
        """
        user, granted = family.approval.user, family.approval.scopes
        scopes = granted if scopes is None else scopes
        subject = Subject(family.client_id, user.name, AUTHORIZATION_CODE, user.claims)
        grant = TokenGrant(scopes, family.audience)
        issued = self._token_issuer.issue(self.profile, subject, grant, format_)
        family.access_tokens = [
            *(id_ for id_ in family.access_tokens if id_ in self._token_store),
            issued.id_,
        ]
        response = dict(issued.response)
        # An ID token by a refresh token should have no nonce (OpenID Connect Core section 12.2).
        nonce, family.nonce = family.nonce, None
        if OPENID in scopes:
            response["id_token"] = self._id_tokens.issue(
                family.client_id,
                response["access_token"],
                claims_about(user, issued.subject, scopes),
                auth_time=family.approval.auth_time,
                nonce=nonce,
            )
        if OFFLINE_ACCESS in granted:
            response["refresh_token"] = self._refresh_tokens.add(RefreshToken(family))
        return response

    def find_refresh_token(self, token: str) -> RefreshToken | None:
        """Return a refresh token, used or not; None if it is unknown or has expired."""
        return self._refresh_tokens.find(token)

    def revoke(self, family: TokenFamily) -> None:
        """Revoke all tokens of a family.

        Raises:
            OSError: The file of revoked tokens cannot be written; the rest stays active.
        """
        family.is_revoked = True
        while family.access_tokens:
            self._token_store.revoke_by_id(family.access_tokens[-1])
            family.access_tokens.pop()
