"""A verified token, in the form that requests use.

Owns the cached record and the validation of its lifetime, which is repeated on each request
(RFC 7519 4.1.4 and 4.1.5). Everything in it is computed once, after the signature was verified, so
that validating it again costs a comparison. ``claims`` creates it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from encore.auth import challenges
from encore.http.principal import Principal


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token whose signature and claims are valid.

    Attributes:
        issuer: ``iss``, exactly.
        claims: The payload; shared by all requests with this token, so read-only.
        principal: The user or the client that the token identifies.
        scopes: The granted scopes; None if a scope claim has an invalid type, which grants none.
        valid_from: Start of its lifetime in seconds since 1970: the later of nbf and iat, minus the
            clock skew.
        valid_until: End of its lifetime in seconds since 1970: exp, or the end of the maximum age
            if that is earlier, plus the clock skew.
    """

    issuer: str
    claims: Mapping[str, Any]
    principal: Principal
    scopes: frozenset[str] | None
    valid_from: float
    valid_until: float

    @property
    def client_id(self) -> str | None:
        """The client that the token was issued to."""
        return self.principal.client_id

    def validate_time(self, now: float) -> None:
        """Validate the lifetime.

        Args:
            now: Seconds since 1970.

        Raises:
            Unauthorized: The token has expired, or is not valid yet.
        """
        if now >= self.valid_until:
            raise challenges.invalid_token("token-expired", challenges.EXPIRED)
        if now < self.valid_from:
            raise challenges.invalid_token("token-not-yet-valid")
