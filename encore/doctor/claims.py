"""Every reason to reject the claims of a token, with what was expected and what was found.

The service stops at the first reason. Here its own validation is repeated on corrected claims, so
that no reason hides another one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from encore.auth.access_token import AccessToken
from encore.auth.claims import validate_claims
from encore.auth.principals import claim_text
from encore.auth.trusted_issuer import TrustedIssuer
from encore.doctor.reasons import explain
from encore.errors import ApiError
from encore.http.principal import CLIENT_CLAIMS

_CLAIM_OF: Final = {"principal-unknown": "sub"}
_HOUR: Final = 3_600
_MAX_SHOWN: Final = 200
_MILLISECONDS: Final = 10**11
"""A timestamp in seconds reaches it in the year 5138."""


Validate = Callable[[dict[str, Any], TrustedIssuer, float], AccessToken]


@dataclass(frozen=True, slots=True)
class CheckedClaims:
    """The problems of claims; the token, if they were corrected, for what else to check."""

    problems: tuple[str, ...]
    token: AccessToken | None


def check_claims(
    claims: Mapping[str, Any],
    trusted: TrustedIssuer,
    now: float,
    validate: Validate = validate_claims,
) -> CheckedClaims:
    """Return every reason to reject claims.

    Args:
        claims: The payload, or the response of an introspection endpoint.
        trusted: The issuer.
        now: The current time, in seconds since 1970.
        validate: The service's validation of them.
    """
    corrected, problems = dict(claims), list[str]()
    reasons = set[str]()
    while True:
        try:
            token = validate(corrected, trusted, now)
        except ApiError as error:
            if error.reason in reasons:  # It cannot be corrected: what else is wrong stays hidden.
                return CheckedClaims(tuple(problems), None)
            reasons.add(error.reason)
            problems += _describe(error.reason, corrected, trusted, now)
            _correct(error.reason, corrected, trusted, now)
        else:
            return CheckedClaims(tuple(problems), token)


def show(value: Any) -> str:
    """Return a value that a token may have, for a message."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _correct(reason: str, claims: dict[str, Any], trusted: TrustedIssuer, now: float) -> None:
    """Change claims so that they do not have this reason to be rejected."""
    match reason:
        case "claim-aud":
            claims.pop("aud", None)
            if trusted.audiences:
                claims["aud"] = trusted.audiences[0]
        case "claim-iss":
            claims["iss"] = trusted.issuer
        case "token-expired":
            claims["exp"] = max(claims.get("exp", 0), now + _HOUR)
            if trusted.max_age_seconds:
                claims["iat"] = max(claims["iat"], now)
        case "token-not-yet-valid":
            claims |= {"nbf": now, "iat": now}
        case "claim-exp" | "claim-nbf" | "claim-iat":
            claims[reason.removeprefix("claim-")] = now + _HOUR * (reason == "claim-exp")
        case "claim-required":
            claims |= trusted.required_claims
        case "claim-client":
            claims[CLIENT_CLAIMS[0]] = trusted.client_ids[0]
        case _:
            claims[_CLAIM_OF.get(reason, reason.removeprefix("claim-"))] = "corrected"


def _describe(
    reason: str, claims: Mapping[str, Any], trusted: TrustedIssuer, now: float
) -> Iterator[str]:
    """Yield what is wrong, with what was expected and found."""
    match reason:
        case "claim-iss":
            yield f"its issuer is {show(claims.get('iss'))}, must be {show(trusted.issuer)}"
        case "claim-aud":
            yield (
                f"its audience is {show(claims.get('aud'))}, the service expects"
                f" {_expected_audience(trusted)}; change the setting, or request a token for that"
                " audience"
            )
        case "token-expired":
            yield from _describe_end(claims, trusted, now)
        case "token-not-yet-valid":
            yield from _describe_start(claims, trusted, now)
        case "claim-exp" | "claim-nbf" | "claim-iat":
            yield _describe_timestamp(reason, claims)
        case "claim-required":
            for name, value in trusted.required_claims.items():
                if claim_text(claims.get(name)) != value:
                    yield f"its {name} is {show(claims.get(name))}, must be {show(value)}"
        case _:
            yield _describe_other(reason, claims)


def _describe_other(reason: str, claims: Mapping[str, Any]) -> str:
    if reason == "introspection-token-type":
        return f"{explain(reason)}; found {show(claims.get('token_type'))}"
    if not reason.startswith("claim-") or reason == "claim-client":
        return explain(reason)
    return f"it is rejected: {reason}: {_describe_string(reason.removeprefix('claim-'), claims)}"


def _expected_audience(trusted: TrustedIssuer) -> str:
    if not trusted.audiences:
        return "none (TOKEN_CLIENT_IDS names the clients instead)"
    return f"{' or '.join(map(show, trusted.audiences))} (AUDIENCE, AUTH0_AUDIENCE)"


def _describe_end(claims: Mapping[str, Any], trusted: TrustedIssuer, now: float) -> Iterator[str]:
    if now - claims.get("exp", inf) >= trusted.clock_skew_seconds:
        yield f"it expired {round(now - claims['exp'])} s ago; get a new one"
    if trusted.max_age_seconds:
        age = now - claims["iat"]
        if age - trusted.max_age_seconds >= trusted.clock_skew_seconds:
            yield (
                f"it was issued {round(age)} s ago, more than the {trusted.max_age_seconds} s of"
                " MAX_TOKEN_AGE_SECONDS; get a new one"
            )


def _describe_start(claims: Mapping[str, Any], trusted: TrustedIssuer, now: float) -> Iterator[str]:
    for name, words in (
        ("nbf", "it is valid only in {} s; is a clock wrong?"),
        ("iat", "it is issued {} s in the future; is a clock wrong?"),
    ):
        seconds = claims.get(name, now) - now
        if seconds > trusted.clock_skew_seconds:
            yield words.format(round(seconds))


def _describe_timestamp(reason: str, claims: Mapping[str, Any]) -> str:
    value: Any = claims.get(reason.removeprefix("claim-"))
    text = f"it is rejected: {reason}: {explain(reason)}; found: {show(value)}"
    if type(value) in (int, float) and value >= _MILLISECONDS:
        return f"{text}, which looks like milliseconds"
    return text


def _describe_string(name: str, claims: Mapping[str, Any]) -> str:
    """Return what is wrong with a claim that must be a string; its value may be personal."""
    if name not in claims:
        return f"the claim {name} is missing"
    if isinstance(claims[name], str):
        return f"the claim {name} must not be empty"
    return f"the claim {name} must be a string, but is of the type {type(claims[name]).__name__}"
