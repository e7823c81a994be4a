"""The registered claims of one token: their types, and whether they are for us.

Owns iss, aud, exp, nbf, iat, sub, jti and the client's name (RFC 7519 section 4.1, RFC 9068
section 2.2). python-jose lets pass a missing ``aud`` or ``exp`` and stumbles over odd types, so
each is judged here. Scopes are read by ``scopes``; revocation is the verifier's.
"""

from collections.abc import Mapping
from math import inf
from types import MappingProxyType
from typing import Any, cast

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.auth.scopes import parse_scopes
from encore.auth.trusted_issuer import TrustedIssuer

CLIENT_CLAIMS = ("cid", "client_id", "azp")
"""Okta's, RFC 9068's and Auth0's name for the client, in the order that they are read."""

_NUMBERS = (int, float)
_TEXTS = ("sub", "jti", *CLIENT_CLAIMS)
# Past 2**53 a double cannot tell one second from the next, and beyond that sums overflow.
_MAX_SECONDS = 2**53


def validate_claims(claims: dict[str, Any], trusted: TrustedIssuer, now: float) -> AccessToken:
    """Judge the claims of a token whose signature is good.

    Args:
        claims: The payload.
        trusted: The issuer that ``iss`` named.
        now: Seconds since 1970.

    Raises:
        Unauthorized: A required claim is missing, a claim is ill-typed or not for us.
    """
    if claims.get("iss") != trusted.issuer:
        raise challenges.invalid_token("claim-iss")
    for name in _TEXTS:
        # An ill-typed jti would slip past a revocation list, so no type is overlooked.
        if name in claims and not isinstance(claims[name], str):
            raise challenges.invalid_token(f"claim-{name}")
    audiences = _audiences(claims)
    if trusted.audience not in audiences:
        raise challenges.invalid_token("claim-aud")
    skew = trusted.clock_skew_seconds
    begin = max(_seconds(claims, "nbf", -inf), _seconds(claims, "iat", -inf))
    grant = AccessToken(
        issuer=trusted.issuer,
        audiences=audiences,
        claims=MappingProxyType(claims),
        client_id=next((claims[name] for name in CLIENT_CLAIMS if name in claims), None),
        scopes=parse_scopes(claims, trusted.scope_claims),
        valid_from=begin - skew,
        valid_until=_seconds(claims, "exp") + skew,
    )
    grant.validate_time(now)
    return grant


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    """Give all of ``aud``, a string or a list of strings (RFC 7519 4.1.3)."""
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise challenges.invalid_token("claim-aud")
    return frozenset(values)


def _seconds(claims: Mapping[str, Any], name: str, absent: float | None = None) -> float:
    """Give a NumericDate (RFC 7519 section 2) in seconds since 1970, or what stands for none."""
    if absent is not None and name not in claims:
        return absent
    value: Any = claims.get(name)
    # By type and not by isinstance: to Python a bool is an int, to JSON it is not.
    if type(value) not in _NUMBERS or abs(value) > _MAX_SECONDS:
        raise challenges.invalid_token(f"claim-{name}")
    return cast("float", value)
