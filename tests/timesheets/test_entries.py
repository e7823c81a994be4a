"""``/timesheets``: dated and weekly entries, validation, visibility and updates."""

from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import CLIENT, DATED, WEEKLY, ApiUsers, create_entry, messages, read

SET_BY_SERVICE = {
    "status": "submitted",
    "approved": False,
    "reason": None,
    "source": None,
    "external_id": None,
}


def test_weekly_entry_is_stored_with_the_seeds_message(
    machine: httpx.Client,
) -> None:
    response = machine.post("/timesheets", json=WEEKLY)
    entry = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/timesheets/{entry['id']}"
    assert entry.pop("message") == "Timesheet created for Employee: 007"
    shown = WEEKLY | SET_BY_SERVICE | {"date": None, "day": "2016-06-16", "created_by": CLIENT}
    assert entry.items() >= shown.items()
    assert read(machine, f"/timesheets/{entry['id']}") == entry


def test_dated_entry_is_stored_with_its_iso_week(machine: httpx.Client) -> None:
    entry = create_entry(machine)
    assert entry.pop("message") == "Timesheet created for Employee: 007"
    period = {"year": 2017, "week": 19, "day": "2017-05-10", "user_type": "Employee"}
    assert entry.items() >= (DATED | SET_BY_SERVICE | period).items()
    assert read(machine, f"/timesheets/{entry['id']}") == entry


def test_read_only_fields_are_rejected(machine: httpx.Client) -> None:
    claimed = {
        "status": "approved",
        "approved": True,
        "reason": "mine",
        "created_by": "somebody",
    }
    errors = messages(machine.post("/timesheets", json=DATED | claimed))
    assert errors == {name: f"{name} is read-only" for name in claimed}
    entry = create_entry(machine, status="submitted", approved=False, reason=None)
    assert (entry["status"], entry["approved"], entry["reason"]) == ("submitted", False, None)
    assert (entry["created_by"], entry["day"]) == (CLIENT, "2017-05-10")


@pytest.mark.parametrize(
    ("date", "stored", "day"),
    [
        ("2017-05-10T17:40:20.095Z", "2017-05-10T17:40:20.095Z", "2017-05-10"),
        ("2017-05-10T01:30:00+02:00", "2017-05-09T23:30:00.000Z", "2017-05-10"),
        ("2017-05-09T20:00:00-05:00", "2017-05-10T01:00:00.000Z", "2017-05-09"),
        ("2017-05-10T23:59:59+0545", "2017-05-10T18:14:59.000Z", "2017-05-10"),
        ("2017-05-10", "2017-05-10T00:00:00.000Z", "2017-05-10"),
    ],
)
def test_date_with_offset_is_stored_in_utc_with_its_own_day(
    machine: httpx.Client, date: str, stored: str, day: str
) -> None:
    entry = create_entry(machine, date=date)
    assert (entry["date"], entry["day"]) == (stored, day)


NO_TIME = "hours must be more than 0, not 0 (hours are rounded to the second)"
HUGE = "hours must be between -596523.2353 and 596523.2353"


@pytest.mark.parametrize("hours", [0.01, 0.1, 7.25, 8, 24, "7.5", 0.0003, 1.5083, 23.9997])
def test_hours_are_returned_as_sent(machine: httpx.Client, hours: float | str) -> None:
    assert create_entry(machine, hours=hours)["hours"] == float(hours)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (1 / 3, 0.3333),
        ("1.33333333333333333333", 1.3333),
        (0.00014, 0.0003),
        (1.23456, 1.2344),
        (8.00001, 8),
        (23.99999, 24),
    ],
)
def test_hours_are_rounded_to_the_second(
    machine: httpx.Client, sent: float | str, shown: float
) -> None:
    path = f"/timesheets/{create_entry(machine, hours=sent)['id']}"
    entry = read(machine, path)
    assert entry["hours"] == shown
    again = machine.put(path, json=entry).json()
    assert (again["hours"], again["version"]) == (shown, entry["version"])


def test_hours_are_filtered_and_sorted_by_seconds(machine: httpx.Client) -> None:
    for seconds in (1200, 1201, 1199):
        create_entry(machine, hours=seconds / 3600)
    path = "/timesheets?fields=hours&sort=hours"
    for query, found in {
        "hours=0.3333": [0.3333],
        "hours=0.33333333": [0.3333],
        "hours__gt=0.3333": [0.3336],
        "hours__gte=0.33333": [0.3333, 0.3336],
        "hours__lt=0.3333": [0.3331],
        "hours__between=0.3331,0.3333": [0.3331, 0.3333],
        "hours__in=0.3331,0.3336": [0.3331, 0.3336],
        "hours__ne=0.3333": [0.3331, 0.3336],
    }.items():
        response = machine.get(f"{path}&{query}")
        assert [entry["hours"] for entry in response.json()] == found, query


@pytest.mark.parametrize(
    ("entry", "field", "message"),
    [
        (DATED | {"hours": 0}, "hours", NO_TIME),
        (DATED | {"hours": 0.00013}, "hours", NO_TIME),
        (DATED | {"hours": -0.00013}, "hours", NO_TIME),
        (DATED | {"hours": -1}, "hours", "hours must be more than 0, not -1"),
        (DATED | {"hours": 24.01}, "hours", "hours must be at most 24 a day, not 24.01"),
        (DATED | {"hours": 24.0003}, "hours", "hours must be at most 24 a day, not 24.0003"),
        (DATED | {"hours": 1e9}, "hours", f"{HUGE}, not 1000000000.0"),
        (DATED | {"hours": "1e999"}, "hours", f"{HUGE}, not 1E+999"),
        (DATED | {"hours": "NaN"}, "hours", 'hours must be a decimal number, not "NaN"'),
        (DATED | {"hours": "-inf"}, "hours", 'hours must be a decimal number, not "-inf"'),
        (DATED | {"hours": "many"}, "hours", 'hours must be a decimal number, not "many"'),
        (DATED | {"hours": True}, "hours", "hours must be a decimal number, not true"),
        (DATED | {"hours": None}, "hours", "timesheets.hours cannot be null"),
        (WEEKLY | {"hours": 168.01}, "hours", "hours must be at most 168 a week, not 168.01"),
        (WEEKLY | {"week": 0}, "week", "week must be between 1 and 52 in 2016, not 0"),
        (WEEKLY | {"week": 53}, "week", "week must be between 1 and 52 in 2016, not 53"),
        (
            WEEKLY | {"week": 54, "year": 2020},
            "week",
            "week must be between 1 and 53 in 2020, not 54",
        ),
        (WEEKLY | {"year": 1969}, "year", "year must be between 1970 and 9998, not 1969"),
        (WEEKLY | {"year": ...}, "year", "year is required with week"),
        (WEEKLY | {"week": ...}, "week", "week is required with year"),
        (WEEKLY | {"year": None}, "year", "timesheets.year cannot be null"),
        (DATED | {"date": ...}, "date", "date is required, or year and week"),
        (DATED | {"date": None}, "date", "date is required, or year and week"),
        (DATED | {"project": ...}, "project", "timesheets.project cannot be null"),
        (DATED | {"user_id": ...}, "user_id", "timesheets.user_id cannot be null"),
        (DATED | {"hours": ...}, "hours", "timesheets.hours cannot be null"),
        (DATED | {"week": 20}, "week", "week must be 19 to match the date, not 20"),
        (
            DATED | {"date": "yesterday"},
            "date",
            'date must be an ISO 8601 date-time such as 2018-08-16T02:22:09.446Z, not "yesterday"',
        ),
        (DATED | {"project": ""}, "project", "project must not be empty"),
        (DATED | {"project": " \t"}, "project", "project must not be empty"),
        (DATED | {"project": None}, "project", "timesheets.project cannot be null"),
        (DATED | {"user_id": " "}, "user_id", "user_id must not be empty"),
        (DATED | {"user_id": None}, "user_id", "timesheets.user_id cannot be null"),
        (
            DATED | {"user_type": "Boss"},
            "user_type",
            'user_type must be one of Employee, Contractor, not "Boss"',
        ),
        (
            DATED | {"source": "tool"},
            "external_id",
            "external_id is required with source",
        ),
        (
            DATED | {"external_id": "1"},
            "source",
            "source is required with external_id",
        ),
    ],
)
def test_invalid_entry_is_rejected_with_field_value_and_limit(
    machine: httpx.Client, entry: dict[str, Any], field: str, message: str
) -> None:
    body = {name: value for name, value in entry.items() if value is not ...}
    response = machine.post("/timesheets", json=body)
    assert_problem(response, 400, "validation-failed")
    assert messages(response) == {field: message}
    assert not read(machine, "/timesheets")


def test_all_errors_are_reported_at_once(machine: httpx.Client) -> None:
    response = machine.post("/timesheets", json={"hours": 99, "project": " ", "date": "2017-05-10"})
    assert_problem(response, 400, "validation-failed")
    assert set(messages(response)) == {"hours", "project", "user_id"}


@pytest.mark.parametrize(
    ("year", "week", "day"), [(2020, 53, "2020-12-31"), (2015, 1, "2015-01-01")]
)
def test_week_53_is_valid_in_long_years(
    machine: httpx.Client, year: int, week: int, day: str
) -> None:
    assert create_entry(machine, WEEKLY, year=year, week=week)["day"] == day


def test_external_id_is_unique_per_source(machine: httpx.Client) -> None:
    create_entry(machine, source="tool", external_id="1")
    create_entry(machine, source="another", external_id="1")
    response = machine.post("/timesheets", json=DATED | {"source": "tool", "external_id": "1"})
    assert_problem(response, 409, "conflict")
    assert set(messages(response)) == {"source", "external_id"}


def test_user_id_in_a_users_body_is_overridden(users: ApiUsers) -> None:
    jane = users.person("jane@example.com")
    entry = create_entry(jane, user_id="somebody else")
    assert (entry["user_id"], entry["created_by"]) == ("jane@example.com", "jane@example.com")
    assert entry["message"] == "Timesheet created for Employee: jane@example.com"
    moved = jane.put(f"/timesheets/{entry['id']}", json={"user_id": "somebody else", "hours": 6})
    assert (moved.json()["user_id"], moved.json()["hours"]) == ("jane@example.com", 6)


def test_users_see_own_entries_and_clients_all(users: ApiUsers) -> None:
    jane, john, machine = users.person("jane"), users.person("john"), users.machine()
    hers, his = create_entry(jane), create_entry(john)
    assert [entry["id"] for entry in read(jane, "/timesheets")] == [hers["id"]]
    assert [entry["id"] for entry in read(machine, "/timesheets", sort="id")] == [
        hers["id"],
        his["id"],
    ]
    assert read(jane, "/timesheets", user_id="john") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/timesheets/{id}", None),
        ("GET", "/timesheets/{id}/history", None),
        ("PUT", "/timesheets/{id}", {"hours": 1}),
        ("PATCH", "/timesheets/{id}", {"hours": 1}),
        ("DELETE", "/timesheets/{id}", None),
    ],
)
def test_entry_of_another_user_is_not_found(
    users: ApiUsers, method: str, path: str, body: Any
) -> None:
    entry = create_entry(users.person("john"))
    url = path.replace("{id}", str(entry["id"]))
    response = users.person("jane").request(method, url, json=body)
    assert_problem(response, 404, "not-found")
    assert read(users.machine(), f"/timesheets/{entry['id']}")["hours"] == 5


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_update_changes_named_fields_and_validates_the_whole_entry(
    machine: httpx.Client, method: str
) -> None:
    entry = create_entry(machine)
    path = f"/timesheets/{entry['id']}"
    changed = machine.request(method, path, json={"hours": 7.5, "project": "StoreOne"})
    assert changed.status_code == 200, changed.text
    after = changed.json()
    assert (after["hours"], after["project"], after["date"]) == (7.5, "StoreOne", DATED["date"])
    moved = machine.request(method, path, json={"date": "2017-06-01T12:00:00+02:00"}).json()
    assert (moved["day"], moved["year"], moved["week"]) == ("2017-06-01", 2017, 22)
    response = machine.request(method, path, json={"hours": 25})
    assert_problem(response, 400, "validation-failed")
    response = machine.request(method, path, json={"week": 5})
    assert messages(response) == {"week": "week must be 22 to match the date, not 5"}
    weekly = machine.request(method, path, json={"date": None, "year": 2020, "week": 53}).json()
    assert (weekly["date"], weekly["day"]) == (None, "2020-12-31")


def test_update_with_equal_values_changes_nothing(machine: httpx.Client) -> None:
    entry = create_entry(machine)
    del entry["message"]
    path = f"/timesheets/{entry['id']}"
    for body in ({}, {"hours": 5}, {"status": "submitted"}, entry):
        assert machine.put(path, json=body).json() == entry


def test_deletion_is_recorded_in_history(users: ApiUsers) -> None:
    jane, machine = users.person("jane"), users.machine()
    entry = create_entry(jane)
    assert jane.delete(f"/timesheets/{entry['id']}").json() == {}
    assert_problem(jane.get(f"/timesheets/{entry['id']}"), 404, "not-found")
    _, step = read(machine, "/approvals/history", timesheet_id=entry["id"])
    assert (step["from"], step["to"], step["who"]) == ("submitted", "deleted", "jane")


def test_list_supports_filters_sort_and_paging(machine: httpx.Client) -> None:
    for day, hours in ((8, 4), (9, 8), (10, 6)):
        create_entry(machine, date=f"2017-05-{day:02}", hours=hours)
    response = machine.get("/timesheets?hours__gte=5&sort=-hours&count=1&fields=hours,day")
    assert response.json() == [{"day": "2017-05-09", "hours": 8}]
    assert response.headers["content-range"] == "items 0-0/2"
    between = read(machine, "/timesheets", day__between="2017-05-08,2017-05-09", fields="hours")
    assert between == [{"hours": 4}, {"hours": 8}]
    assert read(machine, "/timesheets", approved="true") == []
    assert read(machine, "/timesheets", year=2017, week=19, status="submitted", fields="hours")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/timesheets", "create:timesheets"),
        ("GET", "/timesheets", "read:timesheets"),
        ("GET", "/timesheets/1", "read:timesheets"),
        ("GET", "/timesheets/1/history", "read:timesheets"),
        ("GET", "/timesheets/summary", "read:timesheets"),
        ("GET", "/timesheets/locks", "read:timesheets"),
        ("GET", "/timesheets/locks/1", "read:timesheets"),
        ("POST", "/timesheets/locks", "lock:timesheets"),
        ("PUT", "/timesheets/1", "create:timesheets"),
        ("PATCH", "/timesheets/1", "create:timesheets"),
        ("DELETE", "/timesheets/1", "delete:timesheets"),
        ("GET", "/approvals", "approve:timesheets"),
        ("PUT", "/approvals", "approve:timesheets"),
        ("GET", "/approvals/1", "approve:timesheets"),
        ("PUT", "/approvals/1", "approve:timesheets"),
        ("PATCH", "/approvals/1", "approve:timesheets"),
        ("GET", "/approvals/history", "approve:timesheets"),
        ("GET", "/approvals/history/1", "approve:timesheets"),
    ],
)
def test_operation_requires_its_scope_only(
    users: ApiUsers, method: str, path: str, scope: str
) -> None:
    every = ["create", "read", "delete", "approve", "lock"]
    others = " ".join(s for s in (f"{verb}:timesheets" for verb in every) if s != scope)
    response = users.machine(f"{others} parts_manager").request(method, path)
    assert_problem(response, 403, "forbidden", "Could not verify the proper scope")
    assert users.machine(scope).request(method, path).status_code != 403
