"""Validation of the registered claims of a token.

Owns iss, aud, exp, nbf, iat, sub, jti and the client's id (RFC 7519 section 4.1, RFC 9068 section
2.2). python-jose accepts a missing ``aud`` or ``exp`` and fails on unexpected types, so each claim
is validated here. ``scopes`` parses scopes; ``jwt_verifier`` checks revocation.
"""

from collections.abc import Mapping
from math import inf
from types import MappingProxyType
from typing import Any, Final, cast

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.auth.scopes import parse_scopes
from encore.auth.trusted_issuer import TrustedIssuer

CLIENT_CLAIMS: Final = ("cid", "client_id", "azp")
"""The claims for the client of Okta, RFC 9068 and Auth0, in order of precedence."""

_NUMBERS: Final = (int, float)
_STRING_CLAIMS: Final = ("sub", "jti", *CLIENT_CLAIMS)
_MAX_SECONDS: Final = 2**53
"""Above it, a double cannot represent every second, and sums could overflow."""


def validate_claims(claims: dict[str, Any], trusted: TrustedIssuer, now: float) -> AccessToken:
    """Validate the claims of a token whose signature is valid.

    Args:
        claims: The payload.
        trusted: The issuer that ``iss`` names.
        now: Seconds since 1970.

    Raises:
        Unauthorized: A required claim is missing, or a claim has an invalid type or value.
    """
    if claims.get("iss") != trusted.issuer:
        raise challenges.invalid_token("claim-iss")
    for name in _STRING_CLAIMS:
        # A jti of another type would not be found in a revocation list.
        if name in claims and not isinstance(claims[name], str):
            raise challenges.invalid_token(f"claim-{name}")
    audiences = _audiences(claims)
    if trusted.audience not in audiences:
        raise challenges.invalid_token("claim-aud")
    skew = trusted.clock_skew_seconds
    start = max(_seconds(claims, "nbf", -inf), _seconds(claims, "iat", -inf))
    token = AccessToken(
        issuer=trusted.issuer,
        audiences=audiences,
        claims=MappingProxyType(claims),
        client_id=next((claims[name] for name in CLIENT_CLAIMS if name in claims), None),
        scopes=parse_scopes(claims, trusted.scope_claims),
        valid_from=start - skew,
        valid_until=_seconds(claims, "exp") + skew,
    )
    token.validate_time(now)
    return token


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return all values of ``aud``, a string or a list of strings (RFC 7519 4.1.3)."""
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise challenges.invalid_token("claim-aud")
    return frozenset(values)


def _seconds(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    """Return a NumericDate (RFC 7519 section 2) in seconds since 1970, or its default."""
    if default is not None and name not in claims:
        return default
    value: Any = claims.get(name)
    # By type and not by isinstance: in Python a bool is an int, in JSON it is not.
    if type(value) not in _NUMBERS or abs(value) > _MAX_SECONDS:
        raise challenges.invalid_token(f"claim-{name}")
    return cast("float", value)
