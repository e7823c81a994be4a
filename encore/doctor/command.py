"""The command: runs every check in order and prints each result at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TextIO

from encore.doctor.check_result import CheckResult, Status, failed, ok
from encore.doctor.environment import check_database, check_introspection, check_port
from encore.doctor.issuers import CheckedIssuer, check_issuer
from encore.doctor.production import check_production
from encore.doctor.tables import check_tables
from encore.doctor.tokens import check_token
from encore.errors import SettingsError, StartupError
from encore.service import Service
from encore.service.target import Target
from encore.settings import trusted_issuers


def run_checks(target: Target, token: str | None, output: TextIO | None = None) -> bool:
    """Run all checks and write a line for each; return whether all passed.

    Args:
        target: The service.
        token: An access token to check as well, if any; it is not printed.
        output: Where the lines are written; stdout by default.
    """
    return asyncio.run(_run_checks(target, token, output))


async def _run_checks(target: Target, token: str | None, output: TextIO | None) -> bool:
    passed = True
    async for result in _results(target, token):
        print(result.line(), file=output, flush=True)
        passed = passed and result.status is not Status.FAILED
    return passed


async def _results(target: Target, token: str | None) -> AsyncIterator[CheckResult]:
    try:
        service = target.load()
        issuers = trusted_issuers(service.settings)
    except SettingsError as error:
        for problem in error.problems:
            yield _as_result(problem)
        return
    except StartupError as error:
        yield _as_result(str(error))
        return
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
        for result in check_token(token, service.settings, checked, time.time()):
            yield result


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
    return check_tables(service.settings.database_url, service.resources())


def _as_result(problem: str) -> CheckResult:
    name, _, message = problem.partition(": ")
    return failed(name, message)
