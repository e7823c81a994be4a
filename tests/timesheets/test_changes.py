"""The history records every change of an entry: who made it, and the values before and after."""

import json
from typing import Any

import httpx
import pytest

from tests.timesheets.conftest import (
    CLIENT,
    DATED,
    WEEKLY,
    ApiUsers,
    create_entry,
    decide,
    decide_many,
    read,
)

UPLOAD = "/timesheets/upload"
REJECTION = {"status": "rejected", "reason": "no"}
PROJECT = 'Store "Zéro" \\ \u2028 1'
"""Characters that JSON escapes, or may escape."""

CREATED = {
    "user_type": "Employee",
    "user_id": "007",
    "date": "2017-05-10T17:40:20.095Z",
    "year": 2017,
    "week": 19,
    "day": "2017-05-10",
    "project": PROJECT,
    "hours": "5.00",
    "source": "tempus",
    "external_id": "T-1",
}
NAMED = {**DATED, "project": PROJECT, "source": "tempus", "external_id": "T-1"}


@pytest.fixture
def machine(users: ApiUsers) -> httpx.Client:
    """Return a machine client that may also upload."""
    return users.machine(f"{' '.join(SCOPES)} batch:upload")


SCOPES = ("create:timesheets", "read:timesheets", "delete:timesheets", "approve:timesheets")


def upload(client: httpx.Client, *rows: dict[str, Any]) -> list[int]:
    """Upload rows; return their ids."""
    response = client.post(UPLOAD, json=list(rows))
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()["rows"]]


def history(client: httpx.Client, id_: int) -> list[dict[str, Any]]:
    """Return the changes of an entry, without what differs in each run."""
    changes: list[dict[str, Any]] = read(client, "/approvals/history", timesheet_id=id_)
    assert [change["version"] for change in changes] == list(range(1, len(changes) + 1))
    for change in changes:
        assert change["issuer"].endswith("/oauth2/default")
        assert change["subject"]
        for name in ("id", "at", "issuer", "subject"):
            del change[name]
    return changes


def change(id_: int, operation: str, transition: str, **members: Any) -> dict[str, Any]:
    """Return the expected change of an entry by the client; the transition is ``from to``."""
    from_, to = transition.split()
    return {
        "timesheet_id": id_,
        "from": from_,
        "to": to,
        "who": CLIENT,
        "client": CLIENT,
        "reason": None,
        "operation": operation,
        "before": {},
        "after": {},
        **members,
    }


def assert_history(client: httpx.Client, id_: int, *expected: dict[str, Any]) -> None:
    """Check the whole history of an entry."""
    numbered = [{**item, "version": place} for place, item in enumerate(expected, start=1)]
    assert history(client, id_) == numbered


def test_creation_and_change_record_values_before_and_after(
    users: ApiUsers, machine: httpx.Client
) -> None:
    jane, boss = users.person("jane"), users.person("boss")
    id_ = create_entry(jane, project=PROJECT)["id"]
    path = f"/timesheets/{id_}"
    assert read(jane, path)["version"] == 1
    jane.patch(path, json={"hours": 7.25, "project": PROJECT}).raise_for_status()
    decide(boss, id_, **REJECTION).raise_for_status()
    jane.put(path, json={"date": "2017-05-17T01:00:00.5+02:00"}).raise_for_status()
    assert read(jane, path)["version"] == 4
    jane.delete(path).raise_for_status()
    created = {**CREATED, "user_id": "jane"}
    for name in ("source", "external_id"):
        del created[name]
    last = {**created, "hours": "7.25", "date": "2017-05-16T23:00:00.500Z", "week": 20}
    last["day"] = "2017-05-17"
    assert_history(
        machine,
        id_,
        change(id_, "create", "new submitted", who="jane", before=None, after=created),
        change(
            id_,
            "update",
            "submitted submitted",
            who="jane",
            before={"hours": "5.00"},
            after={"hours": "7.25"},
        ),
        change(id_, "decide", "submitted rejected", who="boss", reason="no"),
        change(
            id_,
            "update",
            "rejected submitted",
            who="jane",
            before={"date": created["date"], "week": 19, "day": "2017-05-10"},
            after={"date": last["date"], "week": 20, "day": "2017-05-17"},
        ),
        change(id_, "delete", "submitted deleted", who="jane", before=last, after=None),
    )


def test_upload_records_the_same_values(users: ApiUsers, machine: httpx.Client) -> None:
    (id_,) = upload(machine, NAMED)
    assert upload(machine, NAMED) == [id_]  # Unchanged: nothing is recorded.
    upload(machine, {**NAMED, "hours": 12.5, "user_id": "008", "user_type": "Contractor"})
    decide_many(users.person("boss"), [id_], **REJECTION).raise_for_status()
    weekly = {name: NAMED[name] for name in ("project", "source", "external_id")}
    weekly |= {"year": 2017, "week": 20, "hours": 0.05, "user_id": "008"}
    weekly |= {"user_type": "Contractor"}
    assert upload(machine, weekly) == [id_]
    assert read(machine, f"/timesheets/{id_}")["version"] == 4
    date = CREATED["date"]
    assert_history(
        machine,
        id_,
        change(id_, "upload", "new submitted", before=None, after=CREATED),
        change(
            id_,
            "upload",
            "submitted submitted",
            before={"user_type": "Employee", "user_id": "007", "hours": "5.00"},
            after={"user_type": "Contractor", "user_id": "008", "hours": "12.50"},
        ),
        change(id_, "decide", "submitted rejected", who="boss", reason="no"),
        change(
            id_,
            "upload",
            "rejected submitted",
            before={"date": date, "week": 19, "day": "2017-05-10", "hours": "12.50"},
            after={"date": None, "week": 20, "day": "2017-05-18", "hours": "0.05"},
        ),
    )


@pytest.mark.parametrize("entry", [NAMED, WEEKLY], ids=["dated", "weekly"])
def test_upload_and_single_requests_record_alike(
    machine: httpx.Client, entry: dict[str, Any]
) -> None:
    single = create_entry(machine, entry, user_id="1")["id"]
    machine.delete(f"/timesheets/{single}").raise_for_status()
    (uploaded,) = upload(machine, {**entry, "user_id": "1"})
    machine.delete(f"/timesheets/{uploaded}").raise_for_status()
    one, other = history(machine, single), history(machine, uploaded)
    assert (one[0].pop("operation"), other[0].pop("operation")) == ("create", "upload")
    for item in (*one, *other):
        del item["timesheet_id"]
    assert one == other
    assert one[0]["after"] == one[1]["before"]


@pytest.mark.parametrize("fraction", ["", ".5", ".123", ".1234", ".123456", ".100000", ".000001"])
def test_fractions_of_seconds_are_recorded_as_responses_show_them(
    machine: httpx.Client, fraction: str
) -> None:
    date = f"2017-05-10T17:40:20{fraction}Z"
    entry = create_entry(machine, date=date)
    (uploaded,) = upload(machine, {**DATED, "date": date, "user_id": "x"})
    other = f"2017-05-11T17:40:20{fraction}Z"
    changed = machine.patch(f"/timesheets/{entry['id']}", json={"date": other}).json()
    steps = history(machine, entry["id"])
    assert steps[0]["after"]["date"] == entry["date"]
    assert steps[1]["before"]["date"] == entry["date"]
    assert steps[1]["after"]["date"] == changed["date"]
    assert history(machine, uploaded)[0]["after"]["date"] == entry["date"]


def test_upload_without_rejected_rows_records_the_written_ones(machine: httpx.Client) -> None:
    rows = [{**NAMED, "external_id": f"T-{n}", "hours": 30 if n == 1 else 1} for n in range(3)]
    body = "\n".join(map(json.dumps, rows))
    headers = {"Content-Type": "application/x-ndjson"}
    report = machine.post(f"{UPLOAD}?mode=partial", content=body, headers=headers).json()
    ids = [row.get("id") for row in report["rows"]]
    assert ids[1] is None
    latest = read(machine, "/approvals/history", sort="-id", count=2)
    assert [step["timesheet_id"] for step in latest] == [ids[2], ids[0]]


def test_dry_run_and_unchanged_update_record_nothing(machine: httpx.Client) -> None:
    entry = create_entry(machine, NAMED)
    del entry["message"]
    changed = {**NAMED, "hours": 1}
    machine.post(f"{UPLOAD}?dry_run=true", json=[changed]).raise_for_status()
    machine.put(f"/timesheets/{entry['id']}", json=NAMED).raise_for_status()
    machine.patch(f"/timesheets/{entry['id']}", json={}).raise_for_status()
    assert len(history(machine, entry["id"])) == 1
    assert read(machine, f"/timesheets/{entry['id']}") == entry


@pytest.mark.parametrize("fraction", [".0959", ".095999", ".0950009"])
def test_repeated_date_changes_nothing_however_exact(machine: httpx.Client, fraction: str) -> None:
    body: dict[str, Any] = {"date": f"2017-05-10T17:40:20{fraction}Z", "hours": 1}
    entry = create_entry(machine, **body)
    offset = {"date": f"2017-05-10T19:40:20{fraction}+02:00"}
    for change in (body, offset):
        changed = machine.patch(f"/timesheets/{entry['id']}", json=change).json()
        assert (changed["date"], changed["version"]) == (entry["date"], 1)
    assert len(history(machine, entry["id"])) == 1


@pytest.mark.parametrize("version", [2, None, "1"])
def test_version_is_read_only(machine: httpx.Client, version: Any) -> None:
    id_ = create_entry(machine)["id"]
    response = machine.patch(f"/timesheets/{id_}", json={"version": version, "hours": 1})
    assert response.status_code == 400, response.text
    assert machine.patch(f"/timesheets/{id_}", json={"version": 1, "hours": 1}).status_code == 200
    assert machine.post("/timesheets", json={**DATED, "version": 7}).status_code == 400
