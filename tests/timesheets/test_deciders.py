"""Nobody decides on an entry that is theirs, or that they have created, or changed since."""

from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import ApiUsers, create_entry, decide, decide_many

REJECTION = {"status": "rejected", "reason": "no"}
UPLOAD = "/timesheets/upload"


@pytest.fixture
def boss(users: ApiUsers) -> httpx.Client:
    """Return an approver without timesheets."""
    return users.person("boss")


def assert_refused(client: httpx.Client, id_: int, name: str) -> None:
    """Check that a caller may neither approve nor reject an entry, alone or among others."""
    message = f"Timesheet {id_} was worked, entered or changed by {name}, who cannot decide on it"
    for decision in ({}, REJECTION):
        assert_problem(decide(client, id_, **decision), 403, "forbidden", message)
        assert_problem(decide_many(client, [id_], **decision), 403, "forbidden")


def test_client_that_changed_an_entry_cannot_decide(users: ApiUsers, boss: httpx.Client) -> None:
    machine = users.machine()
    id_ = create_entry(users.person("jane"), hours=1)["id"]
    machine.patch(f"/timesheets/{id_}", json={"hours": 20}).raise_for_status()
    assert_refused(machine, id_, "development-client")
    assert decide(boss, id_).status_code == 200


def test_decision_ends_what_a_change_forbids(users: ApiUsers, boss: httpx.Client) -> None:
    machine, jane = users.machine(), users.person("jane")
    id_ = create_entry(jane, hours=1)["id"]
    path = f"/timesheets/{id_}"
    machine.patch(path, json={"hours": 20}).raise_for_status()
    decide(boss, id_, **REJECTION).raise_for_status()
    jane.patch(path, json={"hours": 2}).raise_for_status()
    assert_refused(jane, id_, "jane")
    assert decide(machine, id_).status_code == 200


def test_change_of_a_rejected_entry_counts(users: ApiUsers, boss: httpx.Client) -> None:
    machine, jane = users.machine(), users.person("jane")
    id_ = create_entry(jane, hours=1)["id"]
    decide(boss, id_, **REJECTION).raise_for_status()
    machine.patch(f"/timesheets/{id_}", json={"hours": 20}).raise_for_status()
    assert_refused(machine, id_, "development-client")
    assert decide(boss, id_).status_code == 200


def test_former_person_cannot_decide_until_a_decision(users: ApiUsers, boss: httpx.Client) -> None:
    machine, jane = users.machine(), users.person("jane")
    id_ = create_entry(machine, hours=1, user_id="jane")["id"]
    path = f"/timesheets/{id_}"
    machine.patch(path, json={"user_id": "joe"}).raise_for_status()
    assert_refused(jane, id_, "jane")
    decide(boss, id_, **REJECTION).raise_for_status()
    machine.patch(path, json={"hours": 2}).raise_for_status()
    assert decide(jane, id_).status_code == 200


def test_upload_that_changes_an_entry_counts(users: ApiUsers, boss: httpx.Client) -> None:
    machine = users.machine(SCOPES)
    row: dict[str, Any] = {"user_id": "jane", "date": "2017-05-10", "project": "StoreZero"}
    row |= {"hours": 1, "source": "tempus", "external_id": "D-1"}
    machine.post(UPLOAD, json=[row]).raise_for_status()
    report = machine.post(UPLOAD, json=[{**row, "hours": 20}]).json()
    assert_refused(machine, report["rows"][0]["id"], "development-client")
    assert decide(boss, report["rows"][0]["id"]).status_code == 200


def test_namesake_of_who_changed_an_entry_cannot_decide(users: ApiUsers) -> None:
    machine, jane = users.machine(), users.person("jane")
    id_ = create_entry(machine, hours=1, user_id="jane")["id"]
    jane.patch(f"/timesheets/{id_}", json={"hours": 2}).raise_for_status()
    machine.patch(f"/timesheets/{id_}", json={"user_id": "joe"}).raise_for_status()
    response = decide(users.person("JANE"), id_)
    assert response.status_code == 403
    assert "JANE may be the same person" in response.json()["detail"]


def test_each_of_many_entries_has_its_own_authors(users: ApiUsers) -> None:
    machine, jane = users.machine(), users.person("jane")
    ids = [create_entry(jane, hours=1)["id"] for _ in range(5)]
    for id_ in (ids[1], ids[4]):
        machine.patch(f"/timesheets/{id_}", json={"hours": 2}).raise_for_status()
    response = decide_many(machine, ids)
    assert response.status_code == 403
    fields = [error["field"] for error in response.json()["errors"]]
    assert fields == ["entries[1]", "entries[4]"]
    assert decide_many(machine, [ids[0], ids[2], ids[3]]).status_code == 200


SCOPES = "create:timesheets read:timesheets approve:timesheets batch:upload"
