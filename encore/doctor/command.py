"""The command: every check in its order, each line as soon as it is known."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import TextIO

from api.app import create_app
from encore.doctor.check_result import CheckResult, Verdict, good, wrong
from encore.doctor.environment import examine_database, examine_introspection, examine_port
from encore.doctor.issuers import Examined, examine_issuer
from encore.doctor.tables import examine_tables, resources_of
from encore.doctor.tokens import examine_token
from encore.service.schema_check import check_schema
from encore.settings import Settings, SettingsError, StartupError, trusted_issuers


def examine(token: str | None, output: TextIO = sys.stdout) -> bool:
    """Write a line for each finding; give whether all is well.

    Args:
        token: A token to explain as well; None for none. It is not printed.
        output: Where the lines go.
    """
    return asyncio.run(_examine(token, output))


async def _examine(token: str | None, output: TextIO) -> bool:
    well = True
    async for finding in _findings(token):
        print(finding.line(), file=output, flush=True)
        well = well and finding.verdict is not Verdict.WRONG
    return well


def _tables(settings: Settings) -> list[CheckResult]:
    """Look at the tables of this service, if its database can be read."""
    try:
        check_schema(settings.database_url)
    except StartupError:  # It has been said.
        return []
    return examine_tables(settings.database_url, resources_of(create_app(settings).router.routes))


async def _findings(token: str | None) -> AsyncIterator[CheckResult]:
    try:
        settings = Settings.load()
        issuers = trusted_issuers(settings)
    except SettingsError as error:
        name, _, text = str(error).partition(": ")
        yield wrong(name, text)
        return
    yield good("settings", "each can be read")
    for check in (examine_database, examine_port):
        try:
            # Its own event loop is its own affair: the check of the database runs one.
            yield await asyncio.to_thread(check, settings)
        except StartupError as error:
            name, _, text = str(error).partition(": ")
            yield wrong(name, text)
    for finding in await asyncio.to_thread(_tables, settings):
        yield finding
    if settings.introspection_url:
        yield await examine_introspection(settings)
    examined: list[Examined] = []
    for trusted in issuers:
        one = await examine_issuer(trusted)
        examined.append(one)
        for finding in one.findings:
            yield finding
    if token is not None:
        for finding in examine_token(token, settings, examined, time.time()):
            yield finding
