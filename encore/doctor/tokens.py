"""Checks of an access token: reports every reason to reject it, not only the first.

Uses the service's own validation (``jws``, ``jwks``, ``claims``, ``scopes``). The messages are for
operators and contain details that a caller never gets. Only claims that are compared with a
setting are shown: never the token, never its subject.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from encore.auth import jws
from encore.auth.claims import validate_claims
from encore.auth.scopes import parse_scopes
from encore.doctor.check_result import CheckResult, failed, note, ok
from encore.doctor.issuers import CheckedIssuer
from encore.errors import ApiError
from encore.settings import Settings

_SUBJECT = "token"
_FORMAT_ERRORS: Final = {
    "token-too-large": "it is larger than 16 KB; ask the issuer for fewer claims",
    "not-three-segments": (
        "it is not a JWT; an opaque token needs INTROSPECTION_URL (Auth0 issues JWTs only for"
        " requests with the API's audience)"
    ),
    "not-a-jwt": "it is not a JWT, or it was truncated or changed; paste it whole",
    "header-member-refused": "its header has crit, b64, jwk, jku, x5u or x5c: none is allowed",
    "header-typ": "its typ is not JWT or at+jwt; is it an access token, and not an ID token?",
    "header-alg": "its header has no alg",
    "header-kid": "its header's kid is not a string, or empty",
}
_SCOPE_CLAIMS: Final = ("scp", "scope", "permissions")


def check_token(
    raw: str, settings: Settings, issuers: Sequence[CheckedIssuer], now: float
) -> Iterator[CheckResult]:
    """Yield every reason to reject a token.

    Args:
        raw: The token as pasted, with or without ``Authorization: Bearer``.
        settings: The settings; SCOPE is compared.
        issuers: The trusted issuers with their keys.
        now: The current time, in seconds since 1970.
    """
    words = [w for w in raw.split() if w.lower().rstrip(":") not in ("authorization", "bearer")]
    if len(words) != 1 or not words[0].isascii():
        yield failed(_SUBJECT, "it must be one word; paste the token alone")
        return
    try:
        token = jws.parse_jwt(words[0].encode())
    except ApiError as error:
        yield failed(_SUBJECT, _FORMAT_ERRORS.get(error.reason, error.reason))
        return
    found = next((i for i in issuers if i.trusted.issuer == token.claims.get("iss")), None)
    if found is None:
        yield failed(_SUBJECT, _explain_issuer(token.claims.get("iss"), issuers))
        return
    results = [
        *_check_signature(token, found),
        *_check_claims(token.claims, found, now),
        *_check_scope(token.claims, found, settings.scope.split()),
    ]
    yield from results or [ok(_SUBJECT, "it is accepted, and holds SCOPE")]


def _explain_issuer(issuer: Any, issuers: Sequence[CheckedIssuer]) -> str:
    trusted = [checked.trusted.issuer for checked in issuers]
    if isinstance(issuer, str) and issuer.rstrip("/") in {name.rstrip("/") for name in trusted}:
        return f"its issuer is {issuer!r}: ISSUER differs in the final slash, which counts"
    return f"its issuer is {issuer!r}, which is not trusted; trusted: {', '.join(trusted)}"


def _check_signature(token: jws.UnverifiedJWT, found: CheckedIssuer) -> Iterator[CheckResult]:
    algorithms = found.trusted.algorithms
    if token.algorithm not in algorithms:
        yield failed(
            _SUBJECT,
            f"its algorithm is {token.algorithm!r}; accepted from this issuer:"
            f" {', '.join(algorithms)} (TOKEN_ALGORITHMS)",
        )
        return
    if found.keys is None:
        yield note(
            _SUBJECT, "its signature was not checked: its issuer's keys could not be fetched"
        )
        return
    keys = found.keys.select(token.kid, token.algorithm)
    if not keys and token.kid is None:
        yield failed(
            _SUBJECT,
            f"it has no kid, and its issuer does not have exactly one key for {token.algorithm}",
        )
    elif not keys:
        yield failed(
            _SUBJECT,
            f"its key {token.kid!r} is not among the issuer's usable ones; was it issued before"
            " a key rotation, or by another server?",
        )
    elif not any(key.verify(token.signed, token.signature) for key in keys):
        yield failed(
            _SUBJECT, "its signature is invalid for the issuer's key; was the token changed?"
        )


def _check_claims(
    claims: Mapping[str, Any], found: CheckedIssuer, now: float
) -> Iterator[CheckResult]:
    """Explain the common errors one by one; report any other by the service's code."""
    trusted = found.trusted
    explained = False
    audience = claims.get("aud")
    if trusted.audience not in (audience if isinstance(audience, list) else [audience]):
        explained = True
        yield failed(
            _SUBJECT,
            f"its audience is {audience!r}, the service expects {trusted.audience!r} (AUDIENCE,"
            " AUTH0_AUDIENCE); change the setting, or request a token for that audience",
        )
    for name, sign, words in (
        ("exp", 1, "it expired {} s ago; get a new one"),
        ("nbf", -1, "it is valid only in {} s; is a clock wrong?"),
        ("iat", -1, "it is issued {} s in the future; is a clock wrong?"),
    ):
        value = claims.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            late = (now - value) * sign
            if late >= trusted.clock_skew_seconds:
                explained = True
                yield failed(_SUBJECT, words.format(round(late)))
    if explained:
        return
    try:
        validate_claims(dict(claims), trusted, now)
    except ApiError as error:
        yield failed(_SUBJECT, f"it is rejected: {error.reason} (missing, or of the wrong type)")


def _check_scope(
    claims: Mapping[str, Any], found: CheckedIssuer, needed: Sequence[str]
) -> Iterator[CheckResult]:
    names = found.trusted.scope_claims
    held = parse_scopes(claims, names)
    if held is None:
        yield failed(_SUBJECT, f"its scope claim ({', '.join(names)}) is of the wrong type")
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
    yield failed(_SUBJECT, message)
