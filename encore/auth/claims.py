"""Validation of the registered claims of a token, a JWT or one that was introspected.

Owns iss, aud, exp, nbf, iat, sub, jti and the client's id (RFC 7519 section 4.1, RFC 9068 section
2.2). python-jose accepts a missing ``aud`` or ``exp`` and fails on unexpected types, so each claim
is validated here. ``scopes`` parses scopes, ``principals`` finds who calls; ``jwt_verifier`` checks
revocation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Any, Final, cast

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.auth.principals import claim_text, resolve_principal
from encore.auth.scopes import parse_scopes
from encore.auth.trusted_issuer import RFC9068, TrustedIssuer
from encore.http.principal import CLIENT_CLAIMS, Principal, find_client_id

_NUMBERS: Final = (int, float)
_STRING_CLAIMS: Final = ("sub", "jti", *CLIENT_CLAIMS)
_REQUIRED_BY_RFC9068: Final = ("sub", "jti", "client_id")
_MAX_SECONDS: Final = 253_402_300_799
"""The end of the year 9999. A larger NumericDate is in milliseconds, and would never expire."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What differs between the claims of a JWT and the members of an introspection response.

    Attributes:
        exp_optional: Whether ``exp`` may be missing.
        aud_optional: Whether ``aud`` may be missing.
        more_scope_claims: Claims with scopes, besides those of the issuer.
    """

    exp_optional: bool = False
    aud_optional: bool = False
    more_scope_claims: tuple[str, ...] = ()


JWT_RULES: Final = ClaimRules()


def validate_claims(
    claims: dict[str, Any], trusted: TrustedIssuer, now: float, rules: ClaimRules = JWT_RULES
) -> AccessToken:
    """Validate the claims of a token whose signature is valid, or that its issuer vouches for.

    Args:
        claims: The payload, or the members of an introspection response.
        trusted: The issuer that ``iss`` names.
        now: Seconds since 1970.
        rules: What may be missing.

    Raises:
        Unauthorized: A required claim is missing, or a claim has an invalid type or value.
        Forbidden: The token identifies neither a user nor a client.
    """
    if claims.get("iss") != trusted.issuer:
        raise challenges.invalid_token("claim-iss")
    _validate_strings(claims, trusted)
    if "aud" in claims or not rules.aud_optional:
        _validate_audience(claims, trusted)
    valid_from, valid_until = _lifetime(claims, trusted, exp_optional=rules.exp_optional)
    principal = resolve_principal(claims, trusted.issuer, trusted.naming, trusted.client_mark)
    scope_claims = (*trusted.scope_claims, *rules.more_scope_claims)
    token = AccessToken(
        issuer=trusted.issuer,
        claims=MappingProxyType(claims),
        principal=principal,
        scopes=_granted_scopes(parse_scopes(claims, scope_claims), trusted, principal),
        valid_from=valid_from,
        valid_until=valid_until,
    )
    token.validate_time(now)
    return token


def _validate_strings(claims: Mapping[str, Any], trusted: TrustedIssuer) -> None:
    """Validate the claims that must be strings, and those that must have a certain value."""
    for name in _STRING_CLAIMS:
        # A jti of another type would not be found in a revocation list.
        if name in claims and not isinstance(claims[name], str):
            raise challenges.invalid_token(f"claim-{name}")
    if trusted.profile == RFC9068:
        for name in _REQUIRED_BY_RFC9068:
            if not claims.get(name):
                raise challenges.invalid_token(f"claim-{name}")
    for name, value in trusted.required_claims.items():
        if claim_text(claims.get(name)) != value:
            raise challenges.invalid_token("claim-required")
    if trusted.client_ids and find_client_id(claims) not in trusted.client_ids:
        raise challenges.invalid_token("claim-client")


def _validate_audience(claims: Mapping[str, Any], trusted: TrustedIssuer) -> None:
    """Validate ``aud``, a string or a list of strings (RFC 7519 4.1.3)."""
    if "aud" not in claims and not trusted.audiences:
        return  # Then client_ids limits the tokens; an audience that is named is never ours.
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise challenges.invalid_token("claim-aud")
    if not set(trusted.audiences).intersection(values):
        raise challenges.invalid_token("claim-aud")


def _lifetime(
    claims: Mapping[str, Any], trusted: TrustedIssuer, *, exp_optional: bool
) -> tuple[float, float]:
    """Return the start and the end of a token's lifetime, in seconds since 1970."""
    max_age, skew = trusted.max_age_seconds, trusted.clock_skew_seconds
    iat_required = max_age or trusted.profile == RFC9068
    issued = _seconds(claims, "iat", None if iat_required else -inf)
    end = _seconds(claims, "exp", inf if exp_optional else None)
    if max_age:
        end = min(end, issued + max_age)
    return max(_seconds(claims, "nbf", -inf), issued) - skew, end + skew


def _granted_scopes(
    scopes: frozenset[str] | None, trusted: TrustedIssuer, principal: Principal
) -> frozenset[str] | None:
    """Return the scopes of the claims and those that the settings grant the principal."""
    if scopes is None:
        return None
    if principal.is_client:
        grants, grantee = trusted.client_grants, principal.client_id or principal.subject
    else:
        grants, grantee = trusted.user_grants, principal.subject
    return scopes | grants.get(grantee, frozenset())


def _seconds(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    """Return a NumericDate (RFC 7519 section 2) in seconds since 1970, or its default."""
    if default is not None and name not in claims:
        return default
    value: Any = claims.get(name)
    # By type and not by isinstance: in Python a bool is an int, in JSON it is not.
    if type(value) not in _NUMBERS or not abs(value) <= _MAX_SECONDS:
        raise challenges.invalid_token(f"claim-{name}")
    return cast("float", value)
