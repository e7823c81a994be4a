"""``GET /timesheets/summary``: formats, limits and invalid queries."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from db.models.timesheet import Timesheet
from encore.database.engine import with_connection
from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import DATED, SCOPES, WEEKLY, ApiUsers, create_entry, messages, read

SUMMARY = "/timesheets/summary"
MANY_GROUPS = 100_001
CSV = "text/csv; charset=utf-8; header=present"


def test_summary_matches_the_documentation(machine: httpx.Client) -> None:
    create_entry(machine, hours=4)
    create_entry(machine, hours=8.5, date="2017-05-08")
    create_entry(machine, WEEKLY)
    assert read(machine, SUMMARY, by="employee,project,week") == [
        {
            "user_id": "007",
            "project": "StoreZero",
            "year": 2016,
            "week": 24,
            "hours": 40,
            "entries": 1,
        },
        {
            "user_id": "007",
            "project": "StoreZero",
            "year": 2017,
            "week": 19,
            "hours": 12.5,
            "entries": 2,
        },
    ]
    assert read(machine, SUMMARY, by="month,approved") == [
        {"month": "2016-06", "approved": False, "hours": 40, "entries": 1},
        {"month": "2017-05", "approved": False, "hours": 12.5, "entries": 2},
    ]


def test_tenths_are_summed_exactly(machine: httpx.Client) -> None:
    for hours in (0.1, 0.2, 0.7):
        create_entry(machine, hours=hours)
    assert machine.get(SUMMARY).text == '[{"user_id":"007","hours":1,"entries":3}]'


def test_thirds_of_an_hour_are_summed_exactly(users: ApiUsers) -> None:
    """A contractor who works in units of 20 minutes: hundredths of hours made 158.4 h of 160."""
    job = users.machine(f"{SCOPES} batch:upload")
    days = (f"2017-05-{day:02}T08:00:00Z" for day in range(1, 21) for _ in range(24))
    entries = [{**DATED, "date": day, "hours": 1200 / 3600} for day in days]
    response = job.post("/timesheets/upload", json=entries, params={"mode": "atomic"})
    assert response.json()["created"] == 480, response.text
    for by in ("employee", "project", "month", "approved"):
        (row,) = read(job, SUMMARY, by=by)
        assert (row["hours"], row["entries"]) == (160, 480), by
    assert (
        job.get(SUMMARY, params={"format": "csv"}).text
        == "user_id,hours,entries\r\n007,160,480\r\n"
    )
    weeks = read(job, SUMMARY, by="week")
    assert sum(week["hours"] for week in weeks) == 160


@pytest.mark.parametrize("by", ["employee", "week", "approved", "employee,month,approved"])
@pytest.mark.parametrize("format_", ["json", "csv"])
def test_summary_of_no_entries_is_empty(machine: httpx.Client, by: str, format_: str) -> None:
    response = machine.get(SUMMARY, params={"by": by, "format": format_})
    assert response.status_code == 200
    assert len(response.text.splitlines()) == 1
    assert response.text == "[]" or response.text.endswith("hours,entries\r\n")


def test_users_sum_only_their_own_entries(users: ApiUsers) -> None:
    jane = users.person("jane")
    create_entry(jane, hours=3)
    create_entry(users.person("john"), hours=4)
    assert read(jane, SUMMARY) == [{"user_id": "jane", "hours": 3, "entries": 1}]
    assert read(jane, SUMMARY, by="project")[0]["hours"] == 3
    assert read(jane, SUMMARY, user_id="john") == []
    assert read(jane, SUMMARY, **{"or": "user_id=john|user_id=jane", "by": "approved"}) == [
        {"approved": False, "hours": 3, "entries": 1}
    ]
    assert len(read(users.machine(), SUMMARY)) == 2


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("by=employe", "by", "by cannot be 'employe': did you mean employee?"),
        (
            "by=xyz",
            "by",
            "by cannot be 'xyz': known are employee, project, week, month, approved",
        ),
        ("by=", "by", ...),
        ("by=employee,", "by", ...),
        ("by=user_id", "by", ...),
        ("by=week,month", "by", "by must not contain both week and month: weeks cross months"),
        ("by=month&by=week", "by", ...),
        ("by=" + "x" * 5000, "by", ...),
        ("format=xml", "format", "format must be json or csv, once"),
        ("format=csv&format=csv", "format", ...),
        ("format=", "format", ...),
        (
            "sort=hours",
            "sort",
            "sort is not supported: a summary is not paged, and is ordered by its groups",
        ),
        ("count=10", "count", ...),
        ("page=1", "page", ...),
        ("offset=1", "offset", ...),
        ("fields=hours", "fields", ...),
        ("proyect=StoreZero", "proyect", ...),
        ("hours__gt=many", "hours__gt", ...),
        ("day__between=2017-05-10", "day__between", ...),
    ],
    ids=lambda value: str(value)[:40],
)
def test_unsupported_query_is_rejected_with_the_parameter(
    machine: httpx.Client, query: str, field: str, message: Any
) -> None:
    response = machine.get(f"{SUMMARY}?{query}")
    assert_problem(response, 400, "invalid-query")
    found = messages(response)
    assert set(found) == {field}
    assert message in (..., found[field])


@pytest.mark.parametrize(
    ("accept", "query", "media_type"),
    [
        (None, "", "application/json"),
        ("*/*", "", "application/json"),
        ("application/json", "", "application/json"),
        ("text/csv", "", CSV),
        ("TEXT/CSV; header=present", "", CSV),
        ("text/*", "", CSV),
        ("text/csv;q=0.9, application/json;q=0.5", "", CSV),
        ("text/csv;q=0.5, application/json", "", "application/json"),
        ("text/csv, */*;q=0.1", "", CSV),
        ("text/csv, */*", "", CSV),
        ("text/*, application/json", "", "application/json"),
        ("text/csv, application/json", "", "application/json"),
        ("text/csv;q=0", "", "application/json"),
        ("text/csv;q=much", "", "application/json"),
        ("application/xml", "", "application/json"),
        (";;,,", "", "application/json"),
        ("text/csv", "?format=json", "application/json"),
        ("application/json", "?format=csv", CSV),
    ],
)
def test_format_follows_parameter_then_accept_header(
    machine: httpx.Client, accept: str | None, query: str, media_type: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = machine.get(SUMMARY + query, headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.headers["vary"] == "Accept, Authorization"
    disposition = 'attachment; filename="timesheets-summary.csv"' if media_type == CSV else None
    assert response.headers.get("content-disposition") == disposition


@pytest.mark.parametrize(
    ("project", "cell"),
    [
        ('a "quoted", name', 'a "quoted", name'),
        ("two\r\nlines", "two\r\nlines"),
        ("Šibenik ✓", "Šibenik ✓"),
        ("a=b", "a=b"),
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
    ],
)
def test_csv_escapes_formulas_only(machine: httpx.Client, project: str, cell: str) -> None:
    create_entry(machine, project=project)
    text = machine.get(SUMMARY, params={"by": "project", "format": "csv"}).content.decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["project", "hours", "entries"],
        [cell, "5", "1"],
    ]
    assert read(machine, SUMMARY, by="project")[0]["project"] == project


def test_head_and_options_are_supported_and_other_methods_rejected(machine: httpx.Client) -> None:
    create_entry(machine)
    whole = machine.get(SUMMARY)
    head = machine.head(SUMMARY)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "vary", "cache-control"):
        assert head.headers[name] == whole.headers[name]
    options = machine.options(SUMMARY)
    assert (options.status_code, options.headers["allow"]) == (200, "GET, HEAD, OPTIONS")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = machine.request(method, SUMMARY, json=DATED)
        assert_problem(response, 405, "method-not-allowed")
        assert response.headers["allow"] == "GET, HEAD, OPTIONS"


def test_summary_of_too_many_groups_is_rejected(users: ApiUsers) -> None:
    with_connection(users.system.database_url, _fill)
    machine = users.machine()
    response = machine.get(SUMMARY, params={"by": "project"})
    message = "The summary would have more than 100000 groups: add filters or remove groups"
    assert_problem(response, 400, "invalid-query", message)
    assert len(read(machine, SUMMARY, by="project", id__gt=0, hours=1, project__ne="1")) == 100_000
    assert read(machine, SUMMARY, by="month") == [
        {"month": "2017-05", "hours": MANY_GROUPS, "entries": MANY_GROUPS}
    ]


def _fill(connection: sa.Connection) -> None:
    """Insert one entry more than the maximum number of groups, each with its own project."""
    number = sa.select(sa.literal(1).label("number")).cte("numbers", recursive=True)
    following = sa.select(number.c.number + 1).where(number.c.number < MANY_GROUPS)
    numbers = number.union_all(following)
    same = {
        "user_type": "Employee",
        "user_id": "007",
        "year": 2017,
        "week": 19,
        "day": date(2017, 5, 10),
        "hours": Decimal(1),
        "status": "submitted",
        "approved": False,
        "created_by": "the test",
        "created_at": datetime.now(UTC),
        "updated_at": datetime.now(UTC),
    }
    columns = sa.inspect(Timesheet).columns
    values = [sa.literal(value, columns[name].type) for name, value in same.items()]
    rows = sa.select(sa.cast(numbers.c.number, sa.String), *values)
    names = [columns[name] for name in ("project", *same)]
    connection.execute(sa.insert(Timesheet).from_select(names, rows))
    connection.commit()
