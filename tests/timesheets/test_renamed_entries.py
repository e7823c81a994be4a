"""``previous_external_id``: an entry whose id has changed in its system gets the new one."""

from typing import Any

import httpx
import pytest

from tests.timesheets.conftest import CLIENT, DATED, ApiUsers, decide, messages, read
from tests.timesheets.test_upload import UPLOAD, job, reader, results, upload

__all__ = ["job", "reader"]

OLD = {**DATED, "source": "tempus", "external_id": "old"}
NEW = {**OLD, "external_id": "new", "previous_external_id": "old"}


def stored(reader: httpx.Client) -> list[tuple[str, float, str, int]]:
    entries = read(reader, "/timesheets", sort="id")
    return [(e["external_id"], e["hours"], e["status"], e["version"]) for e in entries]


def test_renamed_entry_is_unchanged_and_recorded(job: httpx.Client, reader: httpx.Client) -> None:
    id_ = job.post(UPLOAD, json=OLD).json()["id"]
    response = job.post(UPLOAD, json=NEW)
    assert response.json()["message"] == f"Timesheet {id_} for employee 007 is unchanged"
    assert stored(reader) == [("new", 5, "submitted", 2)]
    _, change = read(reader, f"/timesheets/{id_}/history")
    assert (change["operation"], change["version"], change["who"]) == ("upload", 2, CLIENT)
    assert change["before"] == {"external_id": "old"}
    assert change["after"] == {"external_id": "new"}
    assert results(upload(job, NEW)) == ["unchanged"]
    assert len(read(reader, f"/timesheets/{id_}/history")) == 2


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_decided_entry_is_renamed_and_keeps_its_status(
    job: httpx.Client, reader: httpx.Client, users: ApiUsers, status: str
) -> None:
    id_ = job.post(UPLOAD, json=OLD).json()["id"]
    reason = {"reason": "no"} if status == "rejected" else {}
    decide(users.person("boss"), id_, status=status, **reason).raise_for_status()
    assert results(upload(job, NEW, dry_run="true")) == ["unchanged"]
    assert stored(reader) == [("old", 5, status, 2)]
    assert results(upload(job, NEW)) == ["unchanged"]
    assert stored(reader) == [("new", 5, status, 3)]
    change = read(reader, f"/timesheets/{id_}/history")[-1]
    assert (change["from"], change["to"]) == (status, status)


def test_approved_entry_with_other_hours_is_rejected_and_not_renamed(
    job: httpx.Client, reader: httpx.Client, users: ApiUsers
) -> None:
    id_ = job.post(UPLOAD, json=OLD).json()["id"]
    decide(users.person("boss"), id_).raise_for_status()
    assert results(upload(job, {**NEW, "hours": 6})) == [
        f"Timesheet {id_} is approved and cannot be changed"
    ]
    assert stored(reader) == [("old", 5, "approved", 2)]


def test_locked_entry_is_renamed_but_not_changed(job: httpx.Client, reader: httpx.Client) -> None:
    job.post(UPLOAD, json=OLD)
    reader.post("/timesheets/locks", json={"before": "2018-01-01"}).raise_for_status()
    assert "is locked" in results(upload(job, {**NEW, "hours": 6}))[0]
    assert results(upload(job, NEW)) == ["unchanged"]
    assert stored(reader) == [("new", 5, "submitted", 2)]


def test_renamed_entry_counts_once_for_the_limit_of_its_day(
    job: httpx.Client, reader: httpx.Client
) -> None:
    job.post(UPLOAD, json={**OLD, "hours": 13})
    assert results(upload(job, {**NEW, "hours": 12})) == ["updated"]
    others = [{**OLD, "external_id": f"o{n}", "hours": 6} for n in range(3)]
    assert results(upload(job, *others))[:2] == ["created", "created"]
    assert "exceeds the limit of 24 a day" in results(upload(job, others[2]))[0]
    assert stored(reader)[0] == ("new", 12, "submitted", 2)


def test_entry_of_another_source_is_not_renamed(job: httpx.Client, reader: httpx.Client) -> None:
    job.post(UPLOAD, json=OLD)
    assert results(upload(job, {**NEW, "source": "other"})) == ["created"]
    assert [entry[0] for entry in stored(reader)] == ["old", "new"]


def test_person_cannot_send_a_previous_id(users: ApiUsers) -> None:
    ada = users.person("ada", "batch:upload")
    row: dict[str, Any] = {**DATED, "previous_external_id": "old"}
    response = ada.post(UPLOAD, json=row)
    assert messages(response)["previous_external_id"] == (
        "previous_external_id is read-only: only clients that call for themselves write it"
    )
    assert ada.post(UPLOAD, json=row, headers={"Prefer": "handling=lenient"}).status_code == 201


def test_other_writes_reject_the_member(users: ApiUsers) -> None:
    response = users.machine().post("/timesheets", json=NEW)
    assert "is not a member of this body" in messages(response)["previous_external_id"]
