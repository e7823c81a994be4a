"""The check of a token against a service: why it is rejected, or what its scopes allow.

``tokens`` explains a JWT. The service's own verifier has the last word, in case it rejects what
``tokens`` accepts; opaque tokens are introspected by it.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from encore.auth.access_token import AccessToken
from encore.auth.bearer_token import extract_bearer_token
from encore.auth.document_fetcher import FetchError
from encore.auth.introspection import SCOPE_MEMBER
from encore.auth.introspection_client import IntrospectionClient
from encore.doctor.access import check_access
from encore.doctor.check_result import CheckResult, failed, note, ok
from encore.doctor.claims import show
from encore.doctor.issuers import CheckedIssuer
from encore.doctor.reasons import explain
from encore.doctor.tokens import (
    SUBJECT,
    check_jwt,
    check_scope,
    is_jwt,
    parse_credential,
    unverified_issuer,
)
from encore.errors import ApiError, Forbidden
from encore.service import Service
from encore.service.authentication import Authentication
from encore.settings import Settings, introspection_issuer, trusted_issuers


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
    if service.settings.introspection_url and not is_jwt(credential):
        check = _check_opaque(credential, service.settings)
    else:
        check = _check_jwt(credential, service.settings, issuers)
    problems, token = await check
    for problem in problems:
        yield problem
    if token is not None:
        if not problems:
            yield ok(SUBJECT, "it is accepted, and holds SCOPE")
        yield _check_name(token)
        for result in check_access(service, token.scopes or frozenset()):
            yield result


async def _check_jwt(
    credential: bytes, settings: Settings, issuers: Sequence[CheckedIssuer]
) -> tuple[list[CheckResult], AccessToken | None]:
    """Return the problems of a JWT, and the token if the service accepts it."""
    problems = list(check_jwt(credential, settings, issuers, time.time()))
    named = unverified_issuer(credential)
    if not any(issuer.keys and issuer.trusted.issuer == named for issuer in issuers):
        return problems, None
    verdict = await _verify(credential, settings)
    if not isinstance(verdict, ApiError):
        return problems, verdict
    return problems or [failed(SUBJECT, explain(verdict.reason))], None


async def _check_opaque(
    credential: bytes, settings: Settings
) -> tuple[list[CheckResult], AccessToken | None]:
    """Return the problems of a token that must be introspected, and the token if it is accepted."""
    try:
        response = await _introspect(credential.decode(), settings)
    except FetchError as error:
        text = f"{explain('introspection-unavailable')} ({error})"
        return [failed(SUBJECT, text)], None
    verdict = await _verify(credential, settings)
    if isinstance(verdict, ApiError):
        return [failed(SUBJECT, _describe(verdict.reason, response, settings))], None
    needed = settings.scope.split()
    trusted = introspection_issuer(settings, trusted_issuers(settings))
    claims = tuple(dict.fromkeys((SCOPE_MEMBER, *trusted.scope_claims)))
    return list(check_scope(verdict.scopes, needed, response, claims)), verdict


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


async def _introspect(token: str, settings: Settings) -> Mapping[str, Any]:
    """Return the endpoint's response. Raises ``FetchError``."""
    endpoint = IntrospectionClient(
        settings.introspection_url,
        settings.introspection_client_id,
        settings.introspection_client_secret,
    )
    try:
        return await endpoint(token)
    finally:
        await endpoint.aclose()


def _describe(reason: str, response: Mapping[str, Any], settings: Settings) -> str:
    """Return what is wrong, with what was expected and found."""
    match reason:
        case "claim-aud":
            trusted = introspection_issuer(settings, trusted_issuers(settings))
            expected = " or ".join(map(show, trusted.audiences))
            return f"{explain(reason)}; found {show(response.get('aud'))}, expected {expected}"
        case "introspection-token-type":
            return f"{explain(reason)}; found {show(response.get('token_type'))}"
        case _:
            return explain(reason)
