"""Why a token is refused: everything that is wrong with it, and not only the first.

The verdict is the service's own (``compact``, ``jwks``, ``claims``, ``scopes``); the words are for
whoever holds the token and the settings, so they tell what a caller is never told. Claims are
shown only where they are compared with a setting: never the token, never a subject.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from encore.auth import jws
from encore.auth.claims import validate_claims
from encore.auth.scopes import parse_scopes
from encore.doctor.check_result import CheckResult, good, note, wrong
from encore.doctor.issuers import CheckedIssuer
from encore.errors import ApiError
from encore.settings import Settings

_SUBJECT = "token"
_FORM = {
    "token-too-large": "it is larger than 16 KB; ask the issuer for fewer claims",
    "not-three-segments": (
        "it is no JWT; an opaque token needs INTROSPECTION_URL (Auth0 issues JWTs only to who asks"
        " with the API's audience)"
    ),
    "not-a-jwt": "it is no JWT, or was cut or changed on its way; paste it whole",
    "header-member-refused": "its header has crit, b64, jwk, jku, x5u or x5c, which none may have",
    "header-typ": "its typ is not JWT or at+jwt; is it an access token, and not an ID token?",
    "header-alg": "its header has no alg",
    "header-kid": "its header has no kid, so that its key cannot be found",
}
_SCOPE_CLAIMS = ("scp", "scope", "permissions")


def check_token(
    text: str, settings: Settings, issuers: Sequence[CheckedIssuer], now: float
) -> Iterator[CheckResult]:
    """Say all that is wrong with a token.

    Args:
        text: As it was pasted; ``Bearer`` in front does no harm.
        settings: SCOPE is compared.
        issuers: The trusted ones, with their keys.
        now: Seconds since 1970.
    """
    words = [w for w in text.split() if w.lower().rstrip(":") not in ("authorization", "bearer")]
    if len(words) != 1 or not words[0].isascii():
        yield wrong(_SUBJECT, "it is not one word; paste the token alone")
        return
    try:
        token = jws.parse_jwt(words[0].encode())
    except ApiError as refusal:
        yield wrong(_SUBJECT, _FORM.get(refusal.reason, refusal.reason))
        return
    found = next((one for one in issuers if one.trusted.issuer == token.claims.get("iss")), None)
    if found is None:
        yield wrong(_SUBJECT, _explain_issuer(token.claims.get("iss"), issuers))
        return
    results = [
        *_judge_signature(token, found),
        *_judge_claims(token.claims, found, now),
        *_judge_scope(token.claims, found, settings.scope.split()),
    ]
    yield from results or [good(_SUBJECT, "it is accepted, and holds SCOPE")]


def _explain_issuer(issuer: Any, issuers: Sequence[CheckedIssuer]) -> str:
    trusted = [one.trusted.issuer for one in issuers]
    if isinstance(issuer, str) and issuer.rstrip("/") in {name.rstrip("/") for name in trusted}:
        return f"its issuer is {issuer!r}: only the final slash differs from ours, and it counts"
    return f"its issuer is {issuer!r}, which is not trusted; trusted: {', '.join(trusted)}"


def _judge_signature(token: jws.UnverifiedJWT, found: CheckedIssuer) -> Iterator[CheckResult]:
    algorithms = found.trusted.algorithms
    if token.algorithm not in algorithms:
        yield wrong(
            _SUBJECT,
            f"its algorithm is {token.algorithm!r}; of this issuer {', '.join(algorithms)} is"
            " accepted (TOKEN_ALGORITHMS)",
        )
        return
    if found.keys is None:
        yield note(_SUBJECT, "its signature cannot be checked without its issuer's keys")
        return
    keys = found.keys.select(token.kid, token.algorithm)
    if not keys:
        yield wrong(
            _SUBJECT,
            f"its key {token.kid!r} is not among the issuer's usable ones; was it issued before"
            " the keys changed, or by another server?",
        )
    elif not any(key.verify(token.signed, token.signature) for key in keys):
        yield wrong(_SUBJECT, "its signature is not that of the issuer's key; was it changed?")


def _judge_claims(
    claims: Mapping[str, Any], found: CheckedIssuer, now: float
) -> Iterator[CheckResult]:
    """Explain the usual faults one by one, and name whatever else the service refuses."""
    trusted = found.trusted
    explained = False
    audience = claims.get("aud")
    if trusted.audience not in (audience if isinstance(audience, list) else [audience]):
        explained = True
        yield wrong(
            _SUBJECT,
            f"it is made for the audience {audience!r}, and ours is {trusted.audience!r} (AUDIENCE,"
            " AUTH0_AUDIENCE); change the setting, or ask for a token with our audience",
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
                yield wrong(_SUBJECT, words.format(round(late)))
    if explained:
        return
    try:
        validate_claims(dict(claims), trusted, now)
    except ApiError as refusal:
        yield wrong(_SUBJECT, f"it is refused: {refusal.reason} (missing, or of the wrong type)")


def _judge_scope(
    claims: Mapping[str, Any], found: CheckedIssuer, needed: Sequence[str]
) -> Iterator[CheckResult]:
    names = found.trusted.scope_claims
    held = parse_scopes(claims, names)
    if held is None:
        yield wrong(_SUBJECT, f"its scope claim ({', '.join(names)}) is of the wrong type")
        return
    lacking = [scope for scope in needed if scope not in held]
    if not lacking:
        return
    holds = " ".join(sorted(held)) or "none"
    text = f"it lacks the scope {' '.join(lacking)} (SCOPE); it holds {holds} in {', '.join(names)}"
    elsewhere = [name for name in _SCOPE_CLAIMS if name in claims and name not in names]
    if elsewhere:
        text += f"; it has {', '.join(elsewhere)} too, which SCOPE_CLAIMS does not name"
    yield wrong(_SUBJECT, text)
