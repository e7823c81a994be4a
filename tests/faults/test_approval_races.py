"""Approve against edit: no entry is ever approved with hours that its approver did not see.

40 races on each database in the suite; 200 by ``make faults``.
"""

import asyncio
import os

import httpx
import pytest

from tests.faults.approval_races import ApprovalRaces, Callers, Outcome
from tests.fixtures.system import System
from tests.timesheets.conftest import ApiUsers

pytestmark = pytest.mark.processes

RUNS = 200 if "FAULTS_FULL" in os.environ else 40
SCOPES = "create:timesheets read:timesheets delete:timesheets approve:timesheets batch:upload"


def test_entry_is_never_approved_with_hours_that_were_not_seen(system: System) -> None:
    users = ApiUsers(system)
    users.delete_entries()
    headers = [
        client.headers["Authorization"]
        for client in (
            users.person("racer", SCOPES),
            users.machine(SCOPES),
            users.person("bob", SCOPES),
            users.person("carol", SCOPES),
        )
    ]
    users.close()
    outcome = asyncio.run(run_races(system.url, headers))
    assert outcome.unexpected == []
    assert outcome.wrong == []
    assert outcome.approved
    assert outcome.edits
    assert outcome.refused


async def run_races(url: str, headers: list[str]) -> Outcome:
    limits = httpx.Limits(max_connections=None)
    clients = [
        httpx.AsyncClient(base_url=url, headers={"Authorization": value}, limits=limits, timeout=60)
        for value in headers
    ]
    person, client, *approvers = clients
    try:
        return await ApprovalRaces(Callers((person, client), approvers), RUNS, seed=12).run()
    finally:
        await asyncio.gather(*(client.aclose() for client in clients))
