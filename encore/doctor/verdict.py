"""The check of a token against a service: why it is rejected, or what its scopes allow.

``tokens`` explains a JWT, ``opaque_tokens`` a token that is introspected. The service's own
verifier has the last word, in case it rejects what they accept.
"""

import time
from collections.abc import AsyncIterator, Sequence

from encore.auth.access_token import AccessToken
from encore.auth.bearer_token import extract_bearer_token
from encore.doctor.access import check_access
from encore.doctor.check_result import CheckResult, failed, note, ok
from encore.doctor.issuers import CheckedIssuer
from encore.doctor.opaque_tokens import check_opaque
from encore.doctor.reasons import explain
from encore.doctor.tokens import (
    SUBJECT,
    check_jwt,
    is_jwt,
    parse_credential,
    unverified_issuer,
)
from encore.errors import ApiError, Forbidden
from encore.service import Service
from encore.service.authentication import Authentication
from encore.settings import Settings


async def check_token(
    raw: str, service: Service, issuers: Sequence[CheckedIssuer]
) -> AsyncIterator[CheckResult]:
    """Check a token, with every reason to reject it, and what its scopes allow.

    Args:
        raw: The token as pasted, with or without ``Authorization: Bearer``.
        service: The service.
        issuers: The trusted issuers with their keys; that of the token is enough.
    """
    credential = parse_credential(raw)
    if credential is None:
        yield failed(SUBJECT, "it must be one word; paste the token alone")
        return
    problems, token = await _check(credential, service.settings, issuers)
    for problem in problems:
        yield problem
    if token is not None:
        if not problems:
            yield ok(SUBJECT, "it is accepted, and holds SCOPE")
        yield _check_name(token)
        for result in check_access(service, token.scopes or frozenset()):
            yield result


async def _check(
    credential: bytes, settings: Settings, issuers: Sequence[CheckedIssuer]
) -> tuple[list[CheckResult], AccessToken | None]:
    """Return the problems of a token, and the token itself if the service accepts it."""
    if settings.introspection_url and not is_jwt(credential):
        problems = await check_opaque(credential, settings, time.time())
    else:
        problems = list(check_jwt(credential, settings, issuers, time.time()))
        named = unverified_issuer(credential)
        if not any(issuer.keys and issuer.trusted.issuer == named for issuer in issuers):
            return problems, None
    verdict = await _verify(credential, settings)
    if not isinstance(verdict, ApiError):
        return problems, verdict
    return problems or [failed(SUBJECT, explain(verdict.reason))], None


def _check_name(token: AccessToken) -> CheckResult:
    """Say who calls; the caller's name, which operations may record, can be refused."""
    who = "a client that calls for itself" if token.principal.is_client else "a user"
    try:
        _ = token.principal.name
    except Forbidden as error:
        return failed(SUBJECT, f"it identifies {who} without a name: {error} ({error.reason})")
    return note(SUBJECT, f"it identifies {who}")


async def _verify(credential: bytes, settings: Settings) -> AccessToken | ApiError:
    """Verify a token as the service does."""
    authentication = Authentication(settings)
    try:
        token = extract_bearer_token([(b"authorization", b"Bearer " + credential)], b"")
        return await authentication.verifier.verify(token)
    except ApiError as error:
        return error
    finally:
        await authentication.aclose()
