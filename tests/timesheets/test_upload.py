"""``POST /timesheets/upload``: the rules of timesheets applied to uploads.

``tests/uploads`` tests what all uploads share: formats, reports, idempotency keys.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import CLIENT, DATED, WEEKLY, ApiUsers, create_entry, decide, read

UPLOAD = "/timesheets/upload"
NDJSON = {"Content-Type": "application/x-ndjson"}
NAMED = {**DATED, "source": "tempus", "external_id": "T-1"}


@pytest.fixture
def job(users: ApiUsers) -> httpx.Client:
    """Return the import job's client, with the one scope that it needs."""
    return users.machine("batch:upload")


@pytest.fixture
def reader(users: ApiUsers) -> httpx.Client:
    """Return a client that sees all entries."""
    return users.machine()


def upload(job: httpx.Client, *rows: dict[str, Any], **query: str) -> dict[str, Any]:
    """Upload rows in partial mode; return the report."""
    body = "\n".join(json.dumps(row) for row in rows)
    params = {"mode": "partial", **query}
    response = job.post(UPLOAD, content=body, headers=NDJSON, params=params)
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


def results(report: dict[str, Any]) -> list[str]:
    """Return each row's status, or the error message of a rejected row."""
    return [
        row["errors"][0]["message"] if row["status"] == "rejected" else row["status"]
        for row in report["rows"]
    ]


def test_single_entry_returns_the_seeds_message(job: httpx.Client) -> None:
    response = job.post(UPLOAD, json=DATED)
    entry = response.json()
    assert response.status_code == 201
    assert entry["message"] == f"Created timesheet {entry['id']} for employee 007"
    assert (entry["approved"], entry["hours"], entry["created_by"]) == (False, 5, CLIENT)
    assert entry["date"] == DATED["date"]
    assert response.headers["location"] == f"/timesheets/{entry['id']}"


def test_known_entry_is_updated_or_unchanged(job: httpx.Client) -> None:
    first = job.post(UPLOAD, json=NAMED).json()
    same = job.post(UPLOAD, json=NAMED)
    assert same.status_code == 200
    assert same.json()["message"] == f"Timesheet {first['id']} for employee 007 is unchanged"
    assert same.json()["updatedAt"] == first["updatedAt"]
    more = job.post(UPLOAD, json={**NAMED, "hours": 6.25, "user_type": "Contractor"}).json()
    assert more["message"] == f"Updated timesheet {first['id']} for contractor 007"
    assert more["hours"] == 6.25


def test_source_defaults_to_the_client(job: httpx.Client) -> None:
    entry = job.post(UPLOAD, json={**DATED, "external_id": "T-9"}).json()
    assert entry["source"] == CLIENT


def test_entry_changes_from_dated_to_weekly_and_back(job: httpx.Client) -> None:
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
        (
            {"hours": 0},
            "hours",
            "hours must be more than 0, not 0 (hours are rounded to the second)",
        ),
        (
            {"hours": 1e9},
            "hours",
            "hours must be between -596523.2353 and 596523.2353, not 1000000000.0",
        ),
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
def test_invalid_entry_is_rejected_with_field_value_and_limit(
    job: httpx.Client, reader: httpx.Client, change: dict[str, Any], field: str, message: str
) -> None:
    body = assert_problem(job.post(UPLOAD, json={**DATED, **change}), 400, "validation-failed")
    assert body["errors"] == [{"field": field, "message": message}]
    report = upload(job, {**DATED, **change}, DATED)
    assert report["rows"][0]["errors"] == body["errors"]
    assert (report["created"], report["rejected"]) == (1, 1)
    assert len(read(reader, "/timesheets")) == 1


def test_day_limit_applies_in_the_order_of_rows(job: httpx.Client, reader: httpx.Client) -> None:
    create_entry(reader, hours=10)
    hours = [8, 6.5, 6, 0.01]
    report = upload(job, *({**DATED, "hours": value} for value in hours))
    exceeded = "adding {} hours for 007 on 2017-05-10 exceeds the limit of 24 a day"
    assert results(report) == [
        "created",
        exceeded.format("6.50"),
        "created",
        exceeded.format("0.01"),
    ]
    assert sum(row["hours"] for row in read(reader, "/timesheets")) == 24


def test_limits_of_bulk_are_exact_to_the_second(job: httpx.Client) -> None:
    thirds = [{**DATED, "hours": 1 / 3} for _ in range(72)]
    exceeding = "adding 0.0003 hours for 007 on 2017-05-10 exceeds the limit of 24 a day"
    report = upload(job, *thirds, {**DATED, "hours": 0.0003})
    assert results(report) == ["created"] * 72 + [exceeding]
    weekly = [{**WEEKLY, "hours": 56 - 1 / 3600}] * 3
    report = upload(job, *weekly, {**WEEKLY, "hours": 0.0014}, {**WEEKLY, "hours": 3 / 3600})
    exceeding = "adding 0.0014 hours for 007 in week 24 of 2016 exceeds the limit of 168 a week"
    assert results(report) == ["created"] * 3 + [exceeding, "created"]


def test_day_of_thousands_of_seconds_is_limited(job: httpx.Client) -> None:
    """More rows of one day than are fetched at once: the last of them must be found as well."""
    second = {**DATED, "hours": 1 / 3600}
    rows = [second] * 5001 + [{**DATED, "hours": 23}, second]
    body = "\n".join(map(json.dumps, rows))
    params = {"mode": "partial", "report": "rejected"}
    report = job.post(UPLOAD, content=body, headers=NDJSON, params=params).json()
    assert (report["created"], report["rejected"]) == (5002, 1)
    exceeded = "adding 23.00 hours for 007 on 2017-05-10 exceeds the limit of 24 a day"
    assert results(report) == [exceeded]


def test_week_is_limited_to_168_hours_of_weekly_and_dated_entries(
    job: httpx.Client, reader: httpx.Client
) -> None:
    create_entry(reader, WEEKLY, hours=150)
    days = [{**DATED, "date": f"2016-06-{day}T08:00:00Z"} for day in (13, 14, 15)]
    rows = [{**day, "hours": hours} for day, hours in zip(days, (10, 9, 8), strict=True)]
    report = upload(job, *rows)
    exceeded = "adding 9.00 hours for 007 in week 24 of 2016 exceeds the limit of 168 a week"
    assert results(report) == ["created", exceeded, "created"]
    again = upload(job, {**WEEKLY, "hours": 0.25})
    assert "adding 0.25 hours for 007 in week 24" in results(again)[0]
    other = upload(job, {**WEEKLY, "hours": 168, "user_id": "008"}, {**WEEKLY, "week": 25})
    assert results(other) == ["created", "created"]


def test_replaced_entry_does_not_count(job: httpx.Client) -> None:
    assert results(upload(job, {**NAMED, "hours": 20})) == ["created"]
    assert results(upload(job, {**NAMED, "hours": 23}, {**DATED, "hours": 1})) == [
        "updated",
        "created",
    ]
    assert "exceeds the limit" in results(upload(job, {**NAMED, "hours": 23.5}))[0]


def test_rejected_entry_does_not_count(job: httpx.Client, users: ApiUsers) -> None:
    entry = job.post(UPLOAD, json={**DATED, "hours": 20}).json()
    reject(users, entry["id"])
    assert results(upload(job, {**DATED, "hours": 20})) == ["created"]


def test_too_many_exceeded_days_reject_the_whole_upload(
    job: httpx.Client, reader: httpx.Client
) -> None:
    persons = [{**DATED, "user_id": f"p{n}", "hours": 13} for n in range(1001)]
    body = "\n".join(json.dumps(row) for row in persons * 2)
    response = job.post(UPLOAD, content=body, headers=NDJSON, params={"mode": "partial"})
    problem = assert_problem(response, 400, "validation-failed")
    assert problem["message"].startswith(
        "More than 1,000 days of persons would exceed the limit of 24 a day"
    )
    assert read(reader, "/timesheets") == []


def test_approved_entry_is_unchanged(job: httpx.Client, users: ApiUsers) -> None:
    entry = job.post(UPLOAD, json=NAMED).json()
    manager = users.person("manager")
    assert decide(manager, entry["id"]).status_code == 200
    assert results(upload(job, NAMED)) == ["unchanged"]
    changed = upload(job, {**NAMED, "hours": 6}, {**DATED, "hours": 1})
    approved = f"Timesheet {entry['id']} is approved and cannot be changed"
    assert results(changed) == [approved, "created"]
    single = job.post(UPLOAD, json={**NAMED, "hours": 6})
    assert assert_problem(single, 400, "validation-failed")["errors"] == [
        {"field": "status", "message": approved}
    ]


def test_changed_rejected_entry_is_submitted_again(
    job: httpx.Client, users: ApiUsers, reader: httpx.Client
) -> None:
    entry = job.post(UPLOAD, json=NAMED).json()
    path = f"/timesheets/{entry['id']}"
    reject(users, entry["id"])
    assert results(upload(job, NAMED)) == ["unchanged"]
    assert read(reader, path)["status"] == "rejected"
    assert results(upload(job, {**NAMED, "hours": 4})) == ["updated"]
    now = read(reader, path)
    assert (now["status"], now["reason"], now["hours"]) == ("submitted", None, 4)
    steps = [(step["from"], step["to"], step["who"]) for step in read(reader, f"{path}/history")]
    assert steps == [
        ("new", "submitted", CLIENT),
        ("submitted", "rejected", "manager"),
        ("rejected", "submitted", CLIENT),
    ]


def test_user_uploads_only_own_entries(users: ApiUsers) -> None:
    ada = users.person("ada", "batch:upload")
    entry = ada.post(UPLOAD, json=DATED).json()
    assert (entry["user_id"], entry["created_by"]) == ("ada", "ada")


def test_upload_requires_scope_batch_upload(users: ApiUsers) -> None:
    others = users.machine("create:timesheets read:timesheets approve:timesheets")
    assert_problem(others.post(UPLOAD, json=DATED), 403, "forbidden")
    response = httpx.post(users.system.url + UPLOAD, json=DATED)
    assert assert_problem(response, 401, "invalid-token")["title"] == "Missing or invalid token"


def test_dry_run_changes_nothing(job: httpx.Client, reader: httpx.Client) -> None:
    report = upload(job, DATED, {**DATED, "hours": 25}, dry_run="true")
    assert [row["status"] for row in report["rows"]] == ["created", "rejected"]
    assert read(reader, "/timesheets") == []


def test_concurrent_uploads_do_not_exceed_day_limit(
    job: httpx.Client, reader: httpx.Client
) -> None:
    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(lambda _: upload(job, {**DATED, "hours": 10}), range(6)))
    assert sum(report["created"] for report in reports) == 2
    assert sum(row["hours"] for row in read(reader, "/timesheets")) == 20


def reject(users: ApiUsers, id_: int) -> None:
    response = decide(users.person("manager"), id_, status="rejected", reason="Not there that day")
    assert response.status_code == 200, response.text
