"""Checks of a JWT: reports every reason to reject it, not only the first.

Needs no network but for the keys of the token's issuer. Uses the service's own validation (``jws``,
``jwks``, ``claims``, ``scopes``) and explains its reason codes (``reasons``) with what was expected
and what was found. The messages are for operators and contain details that a caller never gets.
Only claims that are compared with a setting are shown: never the token, its signature or its
subject.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from encore.auth import jws
from encore.auth.claims import validate_claims
from encore.auth.revocation import RevocationList
from encore.auth.scopes import parse_scopes
from encore.auth.trusted_issuer import TrustedIssuer
from encore.doctor.check_result import CheckResult, failed, note
from encore.doctor.issuers import CheckedIssuer
from encore.doctor.reasons import explain
from encore.errors import ApiError
from encore.settings import Settings

SUBJECT: Final = "token"
_SCOPE_CLAIMS: Final = ("scp", "scope", "permissions")
_HOUR: Final = 3_600
_JWT_DOTS: Final = 2
_MAX_SHOWN: Final = 200
_MAX_KIDS: Final = 5
_MILLISECONDS: Final = 10**11
"""A timestamp in seconds reaches it in the year 5138."""


def parse_credential(raw: str) -> bytes | None:
    """Return a token as pasted, without ``Authorization: Bearer``; None if it is not one word."""
    words = [w for w in raw.split() if w.lower().rstrip(":") not in ("authorization", "bearer")]
    if len(words) != 1 or not words[0].isascii():
        return None
    return words[0].encode()


def is_jwt(credential: bytes) -> bool:
    """Return whether a token is a JWT, as the service decides it: it has three segments."""
    return credential.count(b".") == _JWT_DOTS


def check_jwt(
    credential: bytes, settings: Settings, issuers: Sequence[CheckedIssuer], now: float
) -> Iterator[CheckResult]:
    """Yield every reason to reject a token; nothing for one that is accepted and holds SCOPE.

    Args:
        credential: The token.
        settings: The settings; SCOPE and the revoked tokens are compared.
        issuers: The trusted issuers with their keys.
        now: The current time, in seconds since 1970.
    """
    try:
        token = jws.parse_jwt(credential)
    except ApiError as error:
        yield failed(SUBJECT, explain(error.reason))
        return
    found = next((i for i in issuers if i.trusted.issuer == token.claims.get("iss")), None)
    if found is None:
        yield failed(SUBJECT, _explain_issuer(token.claims.get("iss"), issuers))
        return
    yield from _check_signature(token, found)
    yield from _check_claims(token.claims, found.trusted, now)
    yield from _check_revoked(token.claims, settings)
    yield from check_scope(token.claims, found.trusted.scope_claims, settings.scope.split())


def unverified_issuer(credential: bytes) -> Any:
    """Return what a token names as its issuer; None if it is not a JWT or names none."""
    try:
        return jws.parse_jwt(credential).claims.get("iss")
    except ApiError:
        return None


def _explain_issuer(issuer: Any, issuers: Sequence[CheckedIssuer]) -> str:
    trusted = [checked.trusted.issuer for checked in issuers]
    if isinstance(issuer, str) and issuer.rstrip("/") in {name.rstrip("/") for name in trusted}:
        return f"its issuer is {show(issuer)}: ISSUER differs in the final slash, which counts"
    return f"its issuer is {show(issuer)}, which is not trusted; trusted: {', '.join(trusted)}"


def _check_signature(token: jws.UnverifiedJWT, found: CheckedIssuer) -> Iterator[CheckResult]:
    algorithms = found.trusted.algorithms
    if token.algorithm not in algorithms:
        yield failed(
            SUBJECT,
            f"its algorithm is {show(token.algorithm)}; accepted from this issuer:"
            f" {', '.join(algorithms)} (TOKEN_ALGORITHMS)",
        )
        return
    if found.keys is None:
        yield note(SUBJECT, "its signature was not checked: its issuer's keys could not be fetched")
        return
    keys = found.keys.select(token.kid, token.algorithm)
    if not keys:
        kids = ", ".join(map(show, sorted(found.keys.kids)[:_MAX_KIDS]))
        yield failed(
            SUBJECT,
            f"its key {show(token.kid)} is not among the issuer's usable ones ({kids}) for"
            f" {token.algorithm}; was it issued before a key rotation, or by another server?",
        )
    elif not any(key.verify(token.signed, token.signature) for key in keys):
        yield failed(SUBJECT, explain("signature"))


def _check_claims(
    claims: Mapping[str, Any], trusted: TrustedIssuer, now: float
) -> Iterator[CheckResult]:
    """Yield every reason to reject the claims.

    The service stops at the first one. It is corrected here and the claims are validated again.
    """
    corrected, reasons = dict(claims), set[str]()
    while True:
        try:
            validate_claims(corrected, trusted, now)
        except ApiError as error:
            if error.reason in reasons:  # It was not to be corrected: what else is wrong is hidden.
                return
            reasons.add(error.reason)
            yield from (
                failed(SUBJECT, text) for text in _describe(error.reason, corrected, trusted, now)
            )
            corrected |= _correction(error.reason, trusted, now)
        else:
            return


def _correction(reason: str, trusted: TrustedIssuer, now: float) -> dict[str, Any]:
    """Return claims that do not have this reason to be rejected."""
    match reason:
        case "claim-aud":
            return {"aud": trusted.audience}
        case "claim-exp" | "token-expired":
            return {"exp": now + _HOUR}
        case "token-not-yet-valid":
            return {"nbf": now, "iat": now}
        case "claim-nbf" | "claim-iat":
            return {reason.removeprefix("claim-"): now}
    return {reason.removeprefix("claim-"): "corrected"}


def _describe(
    reason: str, claims: Mapping[str, Any], trusted: TrustedIssuer, now: float
) -> Iterator[str]:
    """Yield what is wrong, with what was expected and found."""
    match reason:
        case "claim-aud":
            yield (
                f"its audience is {show(claims.get('aud'))}, the service expects"
                f" {show(trusted.audience)} (AUDIENCE, AUTH0_AUDIENCE); change the setting, or"
                " request a token for that audience"
            )
        case "token-expired":
            yield f"it expired {round(now - claims['exp'])} s ago; get a new one"
        case "token-not-yet-valid":
            yield from _describe_start(claims, trusted, now)
        case "claim-exp" | "claim-nbf" | "claim-iat":
            yield _describe_timestamp(reason, claims)
        case _:
            yield f"it is rejected: {reason}: {_type_of(reason.removeprefix('claim-'), claims)}"


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


def _type_of(name: str, claims: Mapping[str, Any]) -> str:
    """Return what is wrong with a claim that must be a string; its value may be personal."""
    if name not in claims:
        return f"the claim {name} is missing"
    return f"the claim {name} must be a string, but is of the type {type(claims[name]).__name__}"


def _check_revoked(claims: Mapping[str, Any], settings: Settings) -> Iterator[CheckResult]:
    if settings.revoked_tokens_file is None:
        return
    revoked = RevocationList(settings.revoked_tokens_file)
    try:
        revoked.read()
        if revoked(claims):
            yield failed(SUBJECT, explain("token-revoked"))
    except (OSError, ValueError) as error:
        yield failed("REVOKED_TOKENS_FILE", f"cannot be used: {error}")


def check_scope(
    claims: Mapping[str, Any], names: Sequence[str], needed: Sequence[str]
) -> Iterator[CheckResult]:
    """Yield what keeps a token from holding SCOPE."""
    held = parse_scopes(claims, names)
    if held is None:
        yield failed(SUBJECT, f"its scope claim ({', '.join(names)}) is of the wrong type")
        return
    lacking = [scope for scope in needed if scope not in held]
    if not lacking:
        return
    holds = " ".join(sorted(held)) or "none"
    message = (
        f"it lacks the scope {' '.join(lacking)} (SCOPE); it holds {holds} in {', '.join(names)}"
    )
    elsewhere = [name for name in _SCOPE_CLAIMS if name in claims and name not in names]
    if elsewhere:
        message += f"; it has {', '.join(elsewhere)} too, which SCOPE_CLAIMS does not name"
    yield failed(SUBJECT, message)


def show(value: Any) -> str:
    """Return a value that a token may have, for a message."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
