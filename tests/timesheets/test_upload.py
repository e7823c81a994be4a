"""``POST /timesheets/upload``: what the import job sends, held against the rules of timesheets.

What any upload does (formats, reports, keys) is in tests/uploads; here is what is particular.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import CLIENT, DATED, WEEKLY, Office, made, read

UPLOAD = "/timesheets/upload"
NDJSON = {"Content-Type": "application/x-ndjson"}
NAMED = {**DATED, "source": "tempus", "external_id": "T-1"}


@pytest.fixture
def job(office: Office) -> httpx.Client:
    """The import job: a client with the one scope that it needs."""
    return office.machine("batch:upload")


@pytest.fixture
def reader(office: Office) -> httpx.Client:
    """A client that sees everything."""
    return office.machine()


def sent(job: httpx.Client, *rows: dict[str, Any], **query: str) -> dict[str, Any]:
    """Upload rows, each for itself; give the report."""
    body = "\n".join(json.dumps(row) for row in rows)
    params = {"mode": "partial", **query}
    response = job.post(UPLOAD, content=body, headers=NDJSON, params=params)
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


def outcome(report: dict[str, Any]) -> list[str]:
    """Give each row's status, or why it was rejected."""
    return [
        row["errors"][0]["message"] if row["status"] == "rejected" else row["status"]
        for row in report["rows"]
    ]


def test_one_entry_is_answered_in_the_words_of_the_seed(job: httpx.Client) -> None:
    response = job.post(UPLOAD, json=DATED)
    entry = response.json()
    assert response.status_code == 201
    assert entry["message"] == f"Created timesheet {entry['id']} for employee 007"
    assert (entry["approved"], entry["hours"], entry["created_by"]) == (False, 5, CLIENT)
    assert entry["date"] == DATED["date"]
    assert response.headers["location"] == f"/timesheets/{entry['id']}"


def test_a_known_entry_is_updated_or_left_alone_and_says_so(job: httpx.Client) -> None:
    first = job.post(UPLOAD, json=NAMED).json()
    same = job.post(UPLOAD, json=NAMED)
    assert same.status_code == 200
    assert same.json()["message"] == f"Timesheet {first['id']} for employee 007 is unchanged"
    assert same.json()["updatedAt"] == first["updatedAt"]
    more = job.post(UPLOAD, json={**NAMED, "hours": 6.25, "user_type": "Contractor"}).json()
    assert more["message"] == f"Updated timesheet {first['id']} for contractor 007"
    assert more["hours"] == 6.25


def test_the_source_is_the_client_if_it_is_not_named(job: httpx.Client) -> None:
    entry = job.post(UPLOAD, json={**DATED, "external_id": "T-9"}).json()
    assert entry["source"] == CLIENT


def test_an_entry_may_change_from_dated_to_weekly_and_back(job: httpx.Client) -> None:
    names = {"source": "tempus", "external_id": "T-1"}
    job.post(UPLOAD, json={**DATED, **names})
    weekly = job.post(UPLOAD, json={**WEEKLY, **names}).json()
    assert (weekly["date"], weekly["year"], weekly["week"], weekly["hours"]) == (None, 2016, 24, 40)
    dated = job.post(UPLOAD, json={**DATED, **names}).json()
    assert (dated["date"], dated["year"], dated["week"]) == (DATED["date"], 2017, 19)


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"hours": 24.25}, "hours", "hours must be at most 24 a day, not 24.25"),
        ({"hours": 0}, "hours", "hours must be more than 0, not 0"),
        ({"hours": 1.125}, "hours", "hours must have at most 2 decimals, not 1.125"),
        ({"project": " "}, "project", "project must not be empty"),
        (
            {"user_type": "Boss"},
            "user_type",
            'user_type must be one of Employee, Contractor, not "Boss"',
        ),
        (
            {"date": "2017-02-30"},
            "date",
            'date must be an ISO 8601 date-time such as 2018-08-16T02:22:09.446Z, not "2017-02-30"',
        ),
        ({"date": None, "year": 2020, "week": "x"}, "week", 'week must be an integer, not "x"'),
        (
            {"date": None, "year": 2021, "week": 53},
            "week",
            "week must be between 1 and 52 in 2021, not 53",
        ),
        ({"date": None}, "date", "date is required, or year and week"),
        ({"user_id": None}, "user_id", "timesheets.user_id cannot be null"),
        (
            {"source": "tempus"},
            "external_id",
            "external_id is required with source",
        ),
    ],
)
def test_each_breach_of_a_rule_names_field_value_and_limit(
    job: httpx.Client, reader: httpx.Client, change: dict[str, Any], field: str, message: str
) -> None:
    body = assert_problem(job.post(UPLOAD, json={**DATED, **change}), 400, "validation-failed")
    assert body["errors"] == [{"field": field, "message": message}]
    report = sent(job, {**DATED, **change}, DATED)
    assert report["rows"][0]["errors"] == body["errors"]
    assert (report["created"], report["rejected"]) == (1, 1)
    assert len(read(reader, "/timesheets")) == 1


def test_a_day_is_filled_in_the_order_of_the_rows(job: httpx.Client, reader: httpx.Client) -> None:
    made(reader, hours=10)
    hours = [8, 6.5, 6, 0.01]
    report = sent(job, *({**DATED, "hours": each} for each in hours))
    full = "adding {} hours for 007 on 2017-05-10 exceeds the limit of 24 a day"
    assert outcome(report) == ["created", full.format("6.50"), "created", full.format("0.01")]
    assert sum(row["hours"] for row in read(reader, "/timesheets")) == 24


def test_a_week_holds_168_hours_of_weekly_and_dated_entries(
    job: httpx.Client, reader: httpx.Client
) -> None:
    made(reader, WEEKLY, hours=150)
    days = [{**DATED, "date": f"2016-06-{day}T08:00:00Z"} for day in (13, 14, 15)]
    rows = [{**day, "hours": hours} for day, hours in zip(days, (10, 9, 8), strict=True)]
    report = sent(job, *rows)
    full = "adding 9.00 hours for 007 in week 24 of 2016 exceeds the limit of 168 a week"
    assert outcome(report) == ["created", full, "created"]
    again = sent(job, {**WEEKLY, "hours": 0.25})
    assert "adding 0.25 hours for 007 in week 24" in outcome(again)[0]
    other = sent(job, {**WEEKLY, "hours": 168, "user_id": "008"}, {**WEEKLY, "week": 25})
    assert outcome(other) == ["created", "created"]


def test_an_entry_that_is_replaced_makes_room_for_itself(job: httpx.Client) -> None:
    assert outcome(sent(job, {**NAMED, "hours": 20})) == ["created"]
    assert outcome(sent(job, {**NAMED, "hours": 23}, {**DATED, "hours": 1})) == [
        "updated",
        "created",
    ]
    assert "exceeds the limit" in outcome(sent(job, {**NAMED, "hours": 23.5}))[0]


def test_rejected_entries_leave_room(job: httpx.Client, office: Office) -> None:
    entry = job.post(UPLOAD, json={**DATED, "hours": 20}).json()
    reject(office, entry["id"])
    assert outcome(sent(job, {**DATED, "hours": 20})) == ["created"]


def test_too_many_full_days_refuse_the_whole_upload(
    job: httpx.Client, reader: httpx.Client
) -> None:
    persons = [{**DATED, "user_id": f"p{number}", "hours": 13} for number in range(1001)]
    body = "\n".join(json.dumps(row) for row in persons * 2)
    response = job.post(UPLOAD, content=body, headers=NDJSON, params={"mode": "partial"})
    problem = assert_problem(response, 400, "validation-failed")
    assert problem["message"].startswith(
        "More than 1,000 days of persons would exceed the limit of 24 a day"
    )
    assert read(reader, "/timesheets") == []


def test_an_approved_entry_stays_as_it_is(job: httpx.Client, office: Office) -> None:
    entry = job.post(UPLOAD, json=NAMED).json()
    manager = office.person("manager")
    assert manager.put(f"/approvals/{entry['id']}").status_code == 200
    assert outcome(sent(job, NAMED)) == ["unchanged"]
    changed = sent(job, {**NAMED, "hours": 6}, {**DATED, "hours": 1})
    approved = f"Timesheet {entry['id']} is approved and cannot be changed"
    assert outcome(changed) == [approved, "created"]
    single = job.post(UPLOAD, json={**NAMED, "hours": 6})
    assert assert_problem(single, 400, "validation-failed")["errors"] == [
        {"field": "status", "message": approved}
    ]


def test_a_rejected_entry_that_changes_is_submitted_again(
    job: httpx.Client, office: Office, reader: httpx.Client
) -> None:
    entry = job.post(UPLOAD, json=NAMED).json()
    path = f"/timesheets/{entry['id']}"
    reject(office, entry["id"])
    assert outcome(sent(job, NAMED)) == ["unchanged"]
    assert read(reader, path)["status"] == "rejected"
    assert outcome(sent(job, {**NAMED, "hours": 4})) == ["updated"]
    now = read(reader, path)
    assert (now["status"], now["reason"], now["hours"]) == ("submitted", None, 4)
    steps = [(one["from"], one["to"], one["who"]) for one in read(reader, f"{path}/history")]
    assert steps == [("submitted", "rejected", "manager"), ("rejected", "submitted", CLIENT)]


def test_a_person_uploads_their_own_entries_alone(office: Office) -> None:
    ada = office.person("ada", "batch:upload")
    entry = ada.post(UPLOAD, json=DATED).json()
    assert (entry["user_id"], entry["created_by"]) == ("ada", "ada")


def test_only_the_scope_batch_upload_opens_the_route(office: Office) -> None:
    others = office.machine("create:timesheets read:timesheets approve:timesheets")
    assert_problem(others.post(UPLOAD, json=DATED), 403, "forbidden")
    response = httpx.post(office.system.url + UPLOAD, json=DATED)
    assert assert_problem(response, 401, "invalid-token")["title"] == "Missing or invalid token"


def test_a_dry_run_changes_nothing(job: httpx.Client, reader: httpx.Client) -> None:
    report = sent(job, DATED, {**DATED, "hours": 25}, dry_run="true")
    assert [row["status"] for row in report["rows"]] == ["created", "rejected"]
    assert read(reader, "/timesheets") == []


def test_uploads_at_once_keep_the_limit_of_a_day(job: httpx.Client, reader: httpx.Client) -> None:
    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(lambda _: sent(job, {**DATED, "hours": 10}), range(6)))
    assert sum(report["created"] for report in reports) == 2
    assert sum(row["hours"] for row in read(reader, "/timesheets")) == 20


def reject(office: Office, number: int) -> None:
    body = {"status": "rejected", "reason": "Not there that day"}
    response = office.person("manager").put(f"/approvals/{number}", json=body)
    assert response.status_code == 200, response.text
