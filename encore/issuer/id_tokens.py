"""ID tokens and the claims about users (OpenID Connect Core sections 2, 5.1 and 5.4)."""

import base64
import hashlib
import time
from collections.abc import Collection
from typing import Any, Final

from encore.issuer.scope_descriptions import EMAIL, PROFILE
from encore.issuer.signing import SigningKey
from encore.issuer.users import User

_PROFILE_CLAIMS: Final = ("name", "given_name", "family_name")
_EMAIL_CLAIMS: Final = ("email", "email_verified")


class IdTokenIssuer:
    """Issues ID tokens.

    Args:
        issuer: ``iss``.
        key: Signs them.
        seconds: Their lifetime, in seconds.
    """

    def __init__(self, issuer: str, key: SigningKey, seconds: int) -> None:
        self._issuer = issuer
        self._key = key
        self._seconds = seconds

    def issue(
        self,
        client_id: str,
        access_token: str,
        claims: dict[str, Any],
        *,
        auth_time: int,
        nonce: str | None,
    ) -> str:
        """Return a new ID token.

        Args:
            client_id: ``aud``.
            access_token: The token that it is issued with, for ``at_hash``.
            claims: ``sub`` and other claims about the user.
            auth_time: When the user decided, in seconds since 1970.
            nonce: That of the authorization request.
        """
        now = int(time.time())
        content = claims | {
            "iss": self._issuer,
            "aud": client_id,
            "iat": now,
            "exp": now + self._seconds,
            "auth_time": auth_time,
            "at_hash": _half_hash(access_token),
        }
        return self._key.sign(content | ({} if nonce is None else {"nonce": nonce}))


def claims_about(user: User, subject: str, scopes: Collection[str]) -> dict[str, Any]:
    """Return what a client may know about a user.

    Args:
        user: The user.
        subject: ``sub`` of the user's tokens.
        scopes: Those of the access token.
    """
    claims: dict[str, Any] = {"sub": subject}
    if PROFILE in scopes:
        claims |= {"name": user.name, "preferred_username": user.name}
        claims |= {name: user.claims[name] for name in _PROFILE_CLAIMS if name in user.claims}
    if EMAIL in scopes:
        claims |= {name: user.claims[name] for name in _EMAIL_CLAIMS if name in user.claims}
    return claims


def _half_hash(token: str) -> str:
    """Return ``at_hash`` of an access token (OpenID Connect Core section 3.1.3.6)."""
    half = hashlib.sha256(token.encode("ascii")).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode("ascii")
