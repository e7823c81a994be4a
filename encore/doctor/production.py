"""Checks of what ``ENVIRONMENT=production`` refuses, or allows because a setting says so.

In production the start has refused the rest, so only what is allowed remains to be noted; in
development each line is what production would refuse.
"""

from collections.abc import Iterator, Sequence

from encore.auth.trusted_issuer import TrustedIssuer
from encore.database.transport import VERIFIED, is_exposed, is_remote, ssl_mode
from encore.doctor.check_result import CheckResult, note, ok
from encore.settings import Settings, committed_names, read_layers
from encore.settings.production import (
    HTTPS_ONLY,
    committed_issuers,
    database_problems,
    http_issuers,
    is_https,
)


def check_production(settings: Settings, issuers: Sequence[TrustedIssuer]) -> Iterator[CheckResult]:
    """Yield what production refuses or allows.

    Args:
        settings: The settings of a service that may start.
        issuers: Its trusted issuers.
    """
    if settings.is_production:
        yield ok("ENVIRONMENT", "production; nothing that it refuses is set")
        yield from _allowed(settings)
        return
    problems = list(dict.fromkeys(_refused(settings, issuers)))
    for problem in problems:
        name, _, message = problem.partition(": ")
        yield note(name, f"ENVIRONMENT=production would refuse it: {message}")
    if not problems:
        yield ok("ENVIRONMENT", "development; production would refuse nothing that is set")


def _refused(settings: Settings, issuers: Sequence[TrustedIssuer]) -> Iterator[str]:
    yield from committed_issuers(read_layers(), committed_names())
    yield from http_issuers(settings)
    for trusted in issuers:
        if not is_https(trusted.issuer) and trusted.issuer != settings.issuer:
            yield f"issuer {trusted.issuer}: {HTTPS_ONLY}"
    yield from database_problems(settings, is_production=True)


def _allowed(settings: Settings) -> Iterator[CheckResult]:
    if settings.has_public_docs:
        yield note("PUBLIC_DOCS", "anybody can read /docs and /openapi.json without a token")
    url = settings.database_url
    if is_exposed(url):
        yield note("UNENCRYPTED_DATABASE", "data may cross the network to the database unencrypted")
    elif is_remote(url) and ssl_mode(url) != VERIFIED:
        yield note(
            "DATABASE_URL",
            f"encrypted, but the server does not prove its name; sslmode={VERIFIED} demands that",
        )
