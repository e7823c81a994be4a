"""What a verified token grants, in the form that a request needs it.

Owns the record that the cache keeps and the judgement of its time window, which is repeated on
each request (RFC 7519 4.1.4 and 4.1.5). Everything in it is computed once, when the signature was
checked, so that judging it again costs a comparison. How it is made is left to ``claims``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from encore.auth import challenges


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token whose signature is good.

    Attributes:
        issuer: The exact ``iss``.
        audiences: All of ``aud``.
        claims: The payload; shared by all requests with this token, so read-only.
        client_id: Who got the token, from ``cid``, ``client_id`` or ``azp``.
        scopes: What it allows; None where a scope claim is ill-typed, which allows nothing.
        valid_from: Earliest time, in seconds since 1970: the later of nbf and iat, less the skew.
        valid_until: First time at which it is expired, in seconds since 1970: exp and the skew.
    """

    issuer: str
    audiences: frozenset[str]
    claims: Mapping[str, Any]
    client_id: str | None
    scopes: frozenset[str] | None
    valid_from: float
    valid_until: float

    def validate_time(self, now: float) -> None:
        """Refuse before and after the window.

        Args:
            now: Seconds since 1970.

        Raises:
            Unauthorized: Expired, or not valid yet.
        """
        if now >= self.valid_until:
            raise challenges.invalid_token("token-expired", challenges.EXPIRED)
        if now < self.valid_from:
            raise challenges.invalid_token("token-not-yet-valid")
