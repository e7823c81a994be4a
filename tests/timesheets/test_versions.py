"""The version of an entry: counted by SQL, by every way to write an entry."""

from typing import Any

import httpx

from db.models.timesheet import Timesheet
from encore.models.mapped_class import MappedClass
from encore.models.session_requirements import ACTIONS, SessionRequirements
from tests.timesheets.conftest import DATED, SCOPES, ApiUsers, create_entry, read

UPLOADED = {**DATED, "source": "development-client", "external_id": "1"}


def version(client: httpx.Client, entry: Any) -> int:
    number: int = read(client, f"/timesheets/{entry['id']}")["version"]
    return number


def test_entries_are_written_without_sessions() -> None:
    requirements = SessionRequirements(MappedClass(Timesheet))
    assert [requirements.reasons(action) for action in ACTIONS] == [(), (), ()]


def test_every_way_to_write_counts_once(users: ApiUsers) -> None:
    machine = users.machine(f"{SCOPES} batch:upload")
    bob = users.person("bob")
    entry = create_entry(machine, UPLOADED)
    assert entry["version"] == 1
    path = f"/timesheets/{entry['id']}"
    assert machine.put(path, json={"hours": 6}).json()["version"] == 2
    assert machine.put(path, json={"hours": 6}).json()["version"] == 2
    rejection = {"status": "rejected", "reason": "unclear"}
    rejected = bob.put(f"/approvals/{entry['id']}", json={**rejection, "version": 2})
    assert rejected.json()["version"] == 3
    for expected in (4, 4):  # Submitted again by the first upload; the second changes nothing.
        machine.post("/timesheets/upload", json={**UPLOADED, "hours": 7})
        assert version(machine, entry) == expected
    many = {"entries": [{"id": entry["id"], "version": 4}]}
    assert [row["version"] for row in bob.put("/approvals", json=many).json()] == [5]
