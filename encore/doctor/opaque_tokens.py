"""Checks of an opaque token by introspection: every reason to reject what the endpoint answers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from encore.auth.document_fetcher import FetchError
from encore.auth.introspection import scope_members, validate_introspection
from encore.auth.introspection_client import IntrospectionClient
from encore.doctor.check_result import CheckResult, failed, note
from encore.doctor.claims import check_claims
from encore.doctor.reasons import explain
from encore.doctor.tokens import SUBJECT, check_revoked, check_scope
from encore.settings import Settings, introspection_issuer, trusted_issuers


async def check_opaque(credential: bytes, settings: Settings, now: float) -> list[CheckResult]:
    """Return every reason to reject a token; nothing for one that is accepted and holds SCOPE.

    Args:
        credential: The token.
        settings: The settings, INTROSPECTION_URL among them.
        now: The current time, in seconds since 1970.
    """
    try:
        response = await _introspect(credential.decode(), settings)
    except FetchError as error:
        return [failed(SUBJECT, f"{explain('introspection-unavailable')} ({error})")]
    trusted = introspection_issuer(settings, trusted_issuers(settings))
    optional = bool(settings.introspection_audience_optional)
    validate = partial(validate_introspection, aud_optional=optional)
    checked = check_claims(response, trusted, now, validate)
    problems = [failed(SUBJECT, problem) for problem in checked.problems]
    problems += check_revoked(response, settings)
    if "aud" not in response and not optional:
        problems.append(note(SUBJECT, "INTROSPECTION_AUDIENCE_OPTIONAL=true accepts a missing aud"))
    if checked.token is None:
        return problems
    names = tuple(dict.fromkeys((*scope_members(trusted), *trusted.scope_claims)))
    needed = settings.scope.split()
    return [*problems, *check_scope(checked.token.scopes, needed, response, names)]


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
