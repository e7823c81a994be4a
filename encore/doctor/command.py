"""The command: runs every check in order and prints each result at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import TextIO

from encore.auth.trusted_issuer import TrustedIssuer
from encore.doctor.check_result import CheckResult, Status, failed, ok
from encore.doctor.environment import check_database, check_introspection, check_port
from encore.doctor.issuers import CheckedIssuer, check_issuer
from encore.doctor.production import check_production
from encore.doctor.soft_deletes import check_soft_deletes
from encore.doctor.tables import check_tables
from encore.doctor.tokens import parse_credential, unverified_issuer
from encore.doctor.verdict import check_token
from encore.errors import SettingsError, StartupError
from encore.service import Service
from encore.service.target import Target
from encore.settings import trusted_issuers


def run_checks(
    target: Target, token: str | None, output: TextIO | None = None, *, only_token: bool = False
) -> bool:
    """Run all checks and write a line for each; return whether all passed.

    Args:
        target: The service.
        token: An access token to check as well, if any; it is not printed.
        output: Where the lines are written; stdout by default.
        only_token: Whether only what concerns the token is checked, and no database and no port.
    """
    results = _token_results(target, token or "") if only_token else _results(target, token)
    return asyncio.run(_write(results, output))


async def _write(results: AsyncIterator[CheckResult], output: TextIO | None) -> bool:
    passed = True
    async for result in results:
        print(result.line(), file=output, flush=True)
        passed = passed and result.status is not Status.FAILED
    return passed


async def _results(target: Target, token: str | None) -> AsyncIterator[CheckResult]:
    loaded = _load(target)
    if isinstance(loaded, list):
        for result in loaded:
            yield result
        return
    service, issuers = loaded
    yield ok("settings", "all are valid")
    for result in check_production(service.settings, issuers):
        yield result
    async for result in _environment(service):
        yield result
    checked: list[CheckedIssuer] = []
    for trusted in issuers:
        issuer = await check_issuer(trusted)
        checked.append(issuer)
        for result in issuer.results:
            yield result
    if token is not None:
        async for result in check_token(token, service, checked):
            yield result


async def _token_results(target: Target, token: str) -> AsyncIterator[CheckResult]:
    """Check a token alone: of the issuers, only its own is contacted."""
    loaded = _load(target)
    if isinstance(loaded, list):
        for result in loaded:
            yield result
        return
    service, issuers = loaded
    named = unverified_issuer(parse_credential(token) or b"")
    checked = [
        await check_issuer(t) if t.issuer == named else CheckedIssuer(t, (), None) for t in issuers
    ]
    for issuer in checked:
        for result in issuer.results:
            if result.status is Status.FAILED:
                yield result
    async for result in check_token(token, service, checked):
        yield result


def _load(target: Target) -> tuple[Service, tuple[TrustedIssuer, ...]] | list[CheckResult]:
    """Return a service and its issuers, or what is wrong with its settings or its code."""
    try:
        service = target.load()
        return service, trusted_issuers(service.settings)
    except SettingsError as error:
        return [_as_result(problem) for problem in error.problems]
    except StartupError as error:
        return [_as_result(str(error))]


async def _environment(service: Service) -> AsyncIterator[CheckResult]:
    for check in (check_database, check_port):
        try:
            # In a thread: the check of the database runs an event loop.
            yield await asyncio.to_thread(check, service)
        except StartupError as error:
            yield _as_result(str(error))
    for result in await asyncio.to_thread(_tables, service):
        yield result
    if service.settings.introspection_url:
        yield await check_introspection(service.settings)


def _tables(service: Service) -> list[CheckResult]:
    """Check the tables of a service, if its database can be read."""
    try:
        service.schema().check()
    except StartupError:  # check_database has reported it.
        return []
    tables = check_tables(service.settings.database_url, service.resources())
    return tables + check_soft_deletes(service.soft_deleted_resources())


def _as_result(problem: str) -> CheckResult:
    name, _, message = problem.partition(": ")
    return failed(name, message)
