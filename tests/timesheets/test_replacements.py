"""``POST /timesheets/upload?replace=FIRST..LAST``: what a source no longer has is withdrawn."""

import json
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from db.models.timesheet import Timesheet
from encore.database.engine import with_connection
from tests.fixtures.openapi import json_schema, resolve
from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import (
    CLIENT,
    DATED,
    WEEKLY,
    ApiUsers,
    create_entry,
    decide,
    messages,
    read,
)
from tests.timesheets.test_upload import NDJSON, UPLOAD, job, reader, results

__all__ = ["job", "reader"]

MAY = "2017-05-01..2017-05-31"


def entry(number: int, day: int = 10, **values: Any) -> dict[str, Any]:
    """Return a row with an id and a day of May."""
    date = f"2017-05-{day:02}T08:00:00Z"
    return {**DATED, "date": date, "source": "tempus", "external_id": f"T-{number}", **values}


def month(*numbers: int) -> list[dict[str, Any]]:
    """Return a row for each of these numbers, on the day with this number."""
    return [entry(number, number, hours=1) for number in numbers]


def replace(
    job: httpx.Client, rows: list[dict[str, Any]], period: str = MAY, **params: str
) -> httpx.Response:
    """Upload rows that replace a period."""
    return job.post(UPLOAD, json=rows, params={"replace": period, **params})


def replaced(
    job: httpx.Client, rows: list[dict[str, Any]], period: str = MAY, **params: str
) -> Any:
    """Upload rows that replace a period; return the report."""
    response = replace(job, rows, period, **params)
    assert response.status_code == 200, response.text
    return response.json()


def stored(reader: httpx.Client) -> list[str]:
    """Return the external ids of all entries."""
    return [row["external_id"] for row in read(reader, "/timesheets", sort="id", count=1000)]


@pytest.fixture
def filled(job: httpx.Client) -> httpx.Client:
    """Return the job's client after an upload of ten entries of May: T-1 to T-10."""
    job.post(UPLOAD, json=month(*range(1, 11))).raise_for_status()
    return job


def test_entries_that_no_row_matches_are_withdrawn(
    filled: httpx.Client, reader: httpx.Client
) -> None:
    gone = read(reader, "/timesheets", external_id="T-9")[0]
    report = replaced(filled, [*month(*range(1, 9)), entry(11, 9), entry(10, 10, hours=2)])
    assert (report["created"], report["updated"], report["unchanged"]) == (1, 1, 8)
    assert (report["withdrawn"], report["kept"]) == (1, 0)
    assert report["withdrawn_entries"] == [
        {
            "id": gone["id"],
            "day": "2017-05-09",
            "user_id": "007",
            "project": "StoreZero",
            "hours": 1,
        }
    ]
    assert sorted(stored(reader)) == sorted(f"T-{n}" for n in (*range(1, 9), 10, 11))


def test_withdrawal_is_recorded_as_a_deletion_by_the_upload(
    filled: httpx.Client, reader: httpx.Client
) -> None:
    id_ = read(reader, "/timesheets", external_id="T-9")[0]["id"]
    replaced(filled, month(*range(1, 9), 10))
    created, change = read(reader, "/approvals/history", timesheet_id=id_)
    assert (change["operation"], change["from"], change["to"]) == ("upload", "submitted", "deleted")
    assert (change["who"], change["version"], change["after"]) == (CLIENT, 2, None)
    assert change["before"] == created["after"]


def test_dry_run_lists_and_writes_nothing(filled: httpx.Client, reader: httpx.Client) -> None:
    report = replaced(filled, month(*range(1, 9)), dry_run="true")
    assert (report["withdrawn"], report["kept"]) == (2, 0)
    assert [row["day"] for row in report["withdrawn_entries"]] == ["2017-05-09", "2017-05-10"]
    assert len(stored(reader)) == 10


def test_entries_outside_the_period_or_of_others_stay(
    filled: httpx.Client, reader: httpx.Client, users: ApiUsers
) -> None:
    outside = [
        {**entry(20), "date": date} for date in ("2017-04-30T23:00:00Z", "2017-06-01T00:00:00Z")
    ]
    outside[1]["external_id"] = "T-21"
    filled.post(UPLOAD, json=[*outside, entry(22, source="other")]).raise_for_status()
    create_entry(users.person("007"), project="own")
    create_entry(users.machine(), project="no source")
    report = replaced(filled, month(*range(1, 10)))
    assert report["withdrawn"] == 1
    kept = {row["external_id"] for row in read(reader, "/timesheets", count=1000)}
    assert kept == {None, "T-20", "T-21", "T-22", *(f"T-{n}" for n in range(1, 10))}


def test_first_and_last_day_of_the_period_are_included(
    filled: httpx.Client, reader: httpx.Client
) -> None:
    rows = month(2, 3, 4, 5, 6, 7, 8, 9)
    report = replaced(filled, rows, period="2017-05-01..2017-05-10")
    assert [row["day"] for row in report["withdrawn_entries"]] == ["2017-05-01", "2017-05-10"]
    assert len(stored(reader)) == 8


def test_approved_and_locked_entries_are_kept_and_counted(
    filled: httpx.Client, reader: httpx.Client, users: ApiUsers
) -> None:
    ids = {row["external_id"]: row["id"] for row in read(reader, "/timesheets")}
    decide(users.person("boss"), ids["T-10"]).raise_for_status()
    reader.post("/timesheets/locks", json={"before": "2017-05-03"}).raise_for_status()
    report = replaced(filled, month(*range(3, 9)))
    assert (report["withdrawn"], report["kept"], report["unchanged"]) == (1, 3, 6)
    assert sorted(stored(reader)) == sorted(f"T-{n}" for n in (*range(1, 9), 10))


def test_rejected_entry_is_withdrawn(
    filled: httpx.Client, reader: httpx.Client, users: ApiUsers
) -> None:
    id_ = read(reader, "/timesheets", external_id="T-10")[0]["id"]
    decide(users.person("boss"), id_, status="rejected", reason="no").raise_for_status()
    assert replaced(filled, month(*range(1, 10)))["withdrawn"] == 1
    assert read(reader, "/approvals/history", timesheet_id=id_)[-1]["from"] == "rejected"


def test_larger_part_than_the_setting_is_refused_with_the_numbers(
    filled: httpx.Client, reader: httpx.Client
) -> None:
    for params in ({}, {"dry_run": "true"}):
        response = replace(filled, month(*range(1, 8)), **params)
        body = response.json()
        assert (response.status_code, body["type"]) == (409, "urn:problem-type:conflict")
        assert body["errors"] == [
            {
                "field": "replace",
                "message": "replace would withdraw 3 of the 10 entries that tempus has from"
                " 2017-05-01 to 2017-05-31: more than 20 percent (MAX_REPLACED_PERCENT)",
            }
        ]
        assert (body["withdrawn"], body["kept"], len(body["withdrawn_entries"])) == (3, 0, 3)
        assert len(stored(reader)) == 10


def test_withdrawn_entries_do_not_count_for_the_limit_of_a_day(
    job: httpx.Client, reader: httpx.Client
) -> None:
    rows = [entry(1, hours=13), *(entry(n, 9, hours=1) for n in range(2, 7))]
    job.post(UPLOAD, json=rows).raise_for_status()
    rows[0] = entry(7, hours=12)
    assert job.post(UPLOAD, json=rows).status_code == 400
    report = replaced(job, rows)
    assert (report["created"], report["withdrawn"]) == (1, 1)
    rows[0] = entry(8, hours=25)
    assert messages(replace(job, rows))["hours"].startswith("line 1: hours must be at most 24")
    assert len(stored(reader)) == 6


def test_entries_without_a_source_count_for_the_limit_of_a_day(
    filled: httpx.Client, machine: httpx.Client
) -> None:
    create_entry(machine, date="2017-05-10T08:00:00Z", hours=20)
    response = replace(filled, [*month(*range(1, 10)), entry(10, 10, hours=5)])
    assert response.status_code == 400
    assert "exceeds the limit of 24 a day" in response.text


def test_withdrawn_weekly_entry_does_not_count_for_the_limit_of_a_week(
    job: httpx.Client, reader: httpx.Client
) -> None:
    week = {**WEEKLY, "source": "tempus", "year": 2017, "week": 19}
    rows = [{**week, "hours": 90, "external_id": "W-1"}, *month(*range(20, 25))]
    job.post(UPLOAD, json=rows).raise_for_status()
    rows[0] = {**week, "hours": 80, "external_id": "W-2"}
    assert replaced(job, rows)["withdrawn"] == 1
    outside = replace(job, rows, "2017-05-12..2017-05-31")  # Judged by the week's Thursday.
    assert messages(outside) == {
        "day": "line 1: day 2017-05-11 is outside replace=2017-05-12..2017-05-31"
    }
    assert "W-2" in stored(reader)


def test_renamed_entry_is_not_withdrawn(filled: httpx.Client, reader: httpx.Client) -> None:
    rows = [*month(*range(1, 10)), entry(11, 10, hours=1, previous_external_id="T-10")]
    report = replaced(filled, rows)
    assert (report["withdrawn"], report["unchanged"]) == (0, 10)
    assert stored(reader)[-1] == "T-11"


def test_rejected_row_withdraws_nothing(filled: httpx.Client, reader: httpx.Client) -> None:
    rows = [*month(*range(1, 10)), entry(10, 10, hours=25)]
    report = replaced(filled, rows, dry_run="true")
    assert (report["rejected"], report["withdrawn"], report["kept"]) == (1, None, None)
    assert report["withdrawn_entries"] == []
    assert replace(filled, rows).status_code == 400
    assert replaced(filled, [entry(1, hours=25)], dry_run="true")["withdrawn"] is None
    assert len(stored(reader)) == 10


def test_rows_without_id_or_of_several_sources_are_refused(
    filled: httpx.Client, reader: httpx.Client
) -> None:
    found = messages(replace(filled, [*month(1), dict(DATED)]))
    assert "external_id is required with replace" in found["external_id"]
    found = messages(replace(filled, [*month(1), entry(2, source="other")]))
    assert found["source"] == "source must be the same in all rows with replace: other and tempus"
    found = messages(replace(filled, []))
    assert found["replace"].startswith("replace needs a row")
    assert len(stored(reader)) == 10


@pytest.mark.parametrize(
    ("period", "reason"),
    [
        ("", "must be two days such as"),
        ("2017-05", "must be two days such as"),
        ("2017-05-01", "must be two days such as"),
        ("2017-05-01..2017-05-32", "has a day that does not exist"),
        ("2017-05-31..2017-05-01", "must begin with the earlier day: 2017-05-01..2017-05-31"),
        ("2012-01-01..2017-05-31", "must be at most 1830 days, not 1978"),
    ],
)
def test_invalid_period_is_refused(job: httpx.Client, period: str, reason: str) -> None:
    response = replace(job, month(1), period)
    assert_problem(response, 400, "invalid-query")
    assert messages(response)["replace"].startswith("replace must")
    assert reason in messages(response)["replace"]


def test_partial_upload_single_row_and_person_are_refused(
    job: httpx.Client, users: ApiUsers
) -> None:
    response = replace(job, month(1), mode="partial")
    assert messages(response)["replace"].startswith("replace needs mode=atomic")
    response = job.post(UPLOAD, json=entry(1), params={"replace": MAY})
    assert messages(response)["replace"].startswith("replace needs an array of rows")
    ada = users.person("ada", "batch:upload")
    response = replace(ada, [dict(DATED)])
    assert messages(response)["replace"].startswith("replace is only for clients")
    twice = job.post(f"{UPLOAD}?replace={MAY}&replace={MAY}", json=month(1))
    assert messages(twice)["replace"] == "replace may be given once"


def test_repeated_request_with_a_key_gets_the_same_report(
    filled: httpx.Client, reader: httpx.Client
) -> None:
    content = "\n".join(json.dumps(row) for row in month(*range(1, 10)))
    options: dict[str, Any] = {
        "content": content,
        "headers": {**NDJSON, "Idempotency-Key": "may"},
        "params": {"replace": MAY, "report": "rejected"},
    }
    first, again = filled.post(UPLOAD, **options), filled.post(UPLOAD, **options)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert (first.json()["withdrawn"], len(stored(reader))) == (1, 9)


def test_large_replacement_with_a_key_takes_time_that_grows_with_its_rows(
    job: httpx.Client, reader: httpx.Client
) -> None:
    rows = [entry(n, n % 28 + 1, hours=0.5, user_id=f"u{n % 500}") for n in range(10_500)]
    job.post(UPLOAD, json=rows, params={"report": "rejected"}).raise_for_status()
    for row in rows[:500]:
        row["external_id"] += "b"
    # Quadratic statements would take minutes.
    headers = {"Idempotency-Key": "large"}
    params = {"replace": MAY, "report": "rejected"}
    response = job.post(UPLOAD, json=rows, headers=headers, params=params)
    report = response.raise_for_status().json()
    assert (report["created"], report["withdrawn"], report["kept"]) == (500, 500, 0)
    assert len(report["withdrawn_entries"]) == 500
    assert reader.get("/timesheets?count=1").headers["content-range"].endswith("/10500")


def test_upload_without_the_parameter_withdraws_nothing(
    filled: httpx.Client, reader: httpx.Client
) -> None:
    report = filled.post(UPLOAD, json=month(1)).json()
    assert results(report) == ["unchanged"]
    assert "withdrawn" not in report
    assert len(stored(reader)) == 10


def test_openapi_describes_parameter_and_report(document: dict[str, Any]) -> None:
    operation = document["paths"][UPLOAD]["post"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert parameters["replace"]["schema"]["pattern"].startswith("^[0-9]{4}")
    report = resolve(document, json_schema(operation["responses"]["200"]))
    assert {"withdrawn", "kept", "withdrawn_entries"} <= report["properties"].keys()
    assert "withdrawn" not in report["required"]


def mark_as_legacy(api: ApiUsers) -> None:
    """Mark all entries as stored before the service kept local days."""
    legacy = sa.update(Timesheet.metadata.tables["timesheets"]).values(legacy=True)

    def execute(connection: sa.Connection) -> None:
        connection.execute(legacy)
        connection.commit()

    with_connection(api.system.database_url, execute)


def test_row_that_repeats_a_legacy_entry_with_a_day_outside_is_accepted(
    users: ApiUsers, filled: httpx.Client
) -> None:
    """Tokyo, 1 May at 08:30: stored with the day in UTC, 30 April."""
    early = entry(11, hours=1) | {"date": "2017-04-30T23:30:00Z"}
    filled.post(UPLOAD, json=[early]).raise_for_status()
    mark_as_legacy(users)
    sent = early | {"date": "2017-05-01T08:30:00+09:00", "day": "2017-05-01"}
    report = replaced(filled, [*month(*range(1, 10)), sent])
    assert (report["unchanged"], report["withdrawn"], report["kept"]) == (10, 1, 0)


def test_legacy_entries_whose_local_day_may_be_outside_are_kept(
    users: ApiUsers, filled: httpx.Client, reader: httpx.Client
) -> None:
    """New York, 30 April at 20:30: stored with the day in UTC, 1 May; not in the export of May."""
    dates = ("2017-05-01T00:30:00Z", "2017-05-31T10:00:00Z", "2017-05-31T09:59:59Z")
    edges = [entry(11 + n, hours=1) | {"date": date} for n, date in enumerate(dates)]
    filled.post(UPLOAD, json=edges).raise_for_status()
    mark_as_legacy(users)
    report = replaced(filled, month(*range(1, 11)))
    assert (report["unchanged"], report["withdrawn"], report["kept"]) == (10, 1, 2)
    assert stored(reader)[-2:] == ["T-11", "T-12"]


def test_period_up_to_the_last_day_of_the_calendar_is_accepted(filled: httpx.Client) -> None:
    report = replaced(
        filled, [entry(9, hours=1, date="9998-12-31")], period="9998-12-31..9999-12-31"
    )
    assert (report["updated"], report["withdrawn"]) == (1, 0)
