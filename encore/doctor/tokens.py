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
from encore.auth.jwt_verifier import AT_JWT
from encore.auth.revocation import RevocationList
from encore.auth.scopes import parse_scopes
from encore.auth.trusted_issuer import RFC9068
from encore.doctor.check_result import CheckResult, failed, note
from encore.doctor.claims import check_claims, show
from encore.doctor.issuers import CheckedIssuer
from encore.doctor.reasons import explain
from encore.errors import ApiError
from encore.settings import Settings

SUBJECT: Final = "token"
_SCOPE_CLAIMS: Final = ("scp", "scope", "permissions", "roles")
_JWT_DOTS: Final = 2
_MAX_KIDS: Final = 5


def parse_credential(raw: str) -> bytes | None:
    """Return a token as pasted, without ``Authorization: Bearer``; None if it is not one word."""
    words = [w for w in raw.split() if w.lower().rstrip(":") not in ("authorization", "bearer")]
    if len(words) != 1 or not words[0].isascii():
        return None
    return words[0].encode()


def is_jwt(credential: bytes) -> bool:
    """Return whether a token is a JWT, as the service decides it: it has three segments."""
    return credential.count(b".") == _JWT_DOTS


def unverified_issuer(credential: bytes) -> Any:
    """Return what a token names as its issuer; None if it is not a JWT or names none."""
    try:
        return jws.parse_jwt(credential).claims.get("iss")
    except ApiError:
        return None


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
    yield from _check_header(token, found)
    yield from _check_signature(token, found)
    checked = check_claims(token.claims, found.trusted, now)
    yield from (failed(SUBJECT, problem) for problem in checked.problems)
    yield from check_revoked(token.claims, settings)
    names = found.trusted.scope_claims
    held = checked.token.scopes if checked.token else parse_scopes(token.claims, names)
    yield from check_scope(held, settings.scope.split(), token.claims, names)


def _explain_issuer(issuer: Any, issuers: Sequence[CheckedIssuer]) -> str:
    trusted = [checked.trusted.issuer for checked in issuers]
    if isinstance(issuer, str) and issuer.rstrip("/") in {name.rstrip("/") for name in trusted}:
        return f"its issuer is {show(issuer)}: ISSUER differs in the final slash, which counts"
    return f"its issuer is {show(issuer)}, which is not trusted; trusted: {', '.join(trusted)}"


def _check_header(token: jws.UnverifiedJWT, found: CheckedIssuer) -> Iterator[CheckResult]:
    if found.trusted.profile == RFC9068 and token.type_ != AT_JWT:
        yield failed(
            SUBJECT, f"its typ is {show(token.type_)}, must be {show(AT_JWT)} (TOKEN_PROFILE)"
        )


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
    if not keys and token.kid is None:
        yield failed(
            SUBJECT,
            f"it has no kid, and its issuer does not have exactly one key for {token.algorithm}",
        )
    elif not keys:
        kids = ", ".join(map(show, sorted(found.keys.kids)[:_MAX_KIDS]))
        yield failed(
            SUBJECT,
            f"its key {show(token.kid)} is not among the issuer's usable ones ({kids}) for"
            f" {token.algorithm}; was it issued before a key rotation, or by another server?",
        )
    elif not any(key.verify(token.signed, token.signature) for key in keys):
        yield failed(SUBJECT, explain("signature"))


def check_revoked(claims: Mapping[str, Any], settings: Settings) -> Iterator[CheckResult]:
    """Yield whether a token is in REVOKED_TOKENS_FILE, if there is one."""
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
    held: frozenset[str] | None,
    needed: Sequence[str],
    claims: Mapping[str, Any],
    names: Sequence[str],
) -> Iterator[CheckResult]:
    """Yield what keeps a token from holding SCOPE.

    Args:
        held: The scopes of the token; None if a claim of scopes has an invalid type.
        needed: The scopes of SCOPE.
        claims: The claims of the token.
        names: The claims of scopes.
    """
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
