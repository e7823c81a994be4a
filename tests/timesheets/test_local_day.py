"""The contractor's local day: given, from the offset of the date, or from ``TIME_ZONE``."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from db.models.timesheet import Timesheet
from encore.database.engine import with_connection
from tests.fixtures.problems import assert_problem
from tests.fixtures.tokens import LocalIssuer
from tests.fixtures.workers import DATABASES
from tests.timesheets.conftest import create_entry, messages, read
from tests.timesheets.signed_api import SignedApi, empty_database, serve_signed

pytestmark = pytest.mark.processes

UPLOAD: Final = "/timesheets/upload"
ENTRY: Final = {"user_id": "ada", "project": "StoreZero", "hours": 1}
KEY: Final = {"source": "tempus", "external_id": "T-1"}
SUNDAY_EVENING: Final = "2026-03-01T23:30:00.000Z"
"""Monday, 08:30 in Tokyo; the service has this time zone."""

PERIOD: Final = ("day", "year", "week")
SUNDAY: Final = ("2026-03-01", 2026, 9)
MONDAY: Final = ("2026-03-02", 2026, 10)
DAYS: Final = {
    SUNDAY_EVENING: "2026-03-02",
    "2026-03-01T23:30:00-00:00": "2026-03-02",
    "2026-03-01T23:30:00": "2026-03-02",
    "2026-03-01T23:30:00+00:00": "2026-03-01",
    "2026-03-01T23:30:00+0000": "2026-03-01",
    "2026-03-01": "2026-03-01",
    "2026-03-02T08:30:00+09:00": "2026-03-02",
    "2026-03-01T23:30:00-05:00": "2026-03-01",  # New York
    "2026-03-29T00:30:00+01:00": "2026-03-29",  # Berlin, before and after the change
    "2026-03-29T23:30:00+02:00": "2026-03-29",
    "2026-10-25T00:30:00+02:00": "2026-10-25",
    "2026-10-25T23:30:00+01:00": "2026-10-25",
    "2026-03-02T00:30:00+14:00": "2026-03-02",  # Kiritimati
    "2026-03-01T23:30:00-12:00": "2026-03-01",  # Baker
}
"""The day of each date as it is written."""

OFFSETS: Final = "at an offset from -12:00 to +14:00"
NO_PLACE: Final = "date must have an offset from -12:00 to +14:00 if the entry has no day"
YEARS: Final = "date must be between the years 1970 and 9998"
INVALID: Final[Sequence[tuple[dict[str, Any], str]]] = (
    (
        {"date": SUNDAY_EVENING, "day": "2026-03-03"},
        f"day must be 2026-03-01 or 2026-03-02, the day of the date {OFFSETS}, not 2026-03-03",
    ),
    (
        {"date": "2026-03-01T11:00:00Z", "day": "2026-03-03"},
        f"day must be from 2026-02-28 to 2026-03-02, the day of the date {OFFSETS}, not 2026-03-03",
    ),
    ({"date": "2026-03-02T00:30:00+15:00"}, f"{NO_PLACE}, not +15:00"),
    ({"date": "2026-03-01T20:00:00-12:30"}, f"{NO_PLACE}, not -12:30"),
    ({"date": SUNDAY_EVENING, "week": 9}, "week must be 10 to match the day 2026-03-02, not 9"),
    (
        {"date": None, "year": 2026, "week": 10, "day": "2026-03-04"},
        "day must be 2026-03-05, the Thursday of week 10 of 2026, not 2026-03-04",
    ),
    (
        {"date": SUNDAY_EVENING, "day": "Monday"},
        'day must be a date such as 2018-08-16, not "Monday"',
    ),
    ({"date": "0001-01-01T00:00:00Z"}, f"{YEARS}, not 1"),
    ({"date": "9999-12-31T23:00:00Z", "day": "9998-12-31"}, f"{YEARS}, not 9999"),
    ({"date": "1970-01-01T00:00:00-01:00", "day": "1969-12-31"}, f"{YEARS}, not 1969"),
)
"""Periods and their error; its first word is the field."""

PLACES: Final = sorted(name for name in available_timezones() if "/" in name)
INSTANTS: Final = st.datetimes(datetime(1973, 1, 1), datetime(2037, 1, 1))  # noqa: DTZ001 - in UTC


@pytest.fixture(scope="module", params=DATABASES)
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    module_issuer: LocalIssuer,
) -> Iterator[SignedApi]:
    settings_ = {"LOG_LEVEL": "warning", "TIME_ZONE": "Asia/Tokyo"}
    with (
        empty_database(request, tmp_path_factory) as (directory, url),
        serve_signed(directory, url, module_issuer, **settings_) as api,
    ):
        yield api


@pytest.fixture
def api(served: SignedApi) -> SignedApi:
    served.delete_entries()
    return served


@pytest.fixture
def job(api: SignedApi) -> httpx.Client:
    return api.machine("job")


def period(entry: Any) -> tuple[Any, ...]:
    """Return day, year and week of an entry."""
    return tuple(entry[name] for name in PERIOD)


def uploaded(client: httpx.Client, *rows: dict[str, Any], **query: str) -> list[Any]:
    """Upload rows in partial mode; return the status or the errors of each."""
    response = client.post(UPLOAD, json=list(rows), params={"mode": "partial", **query})
    assert response.status_code == 200, response.text
    return [row.get("errors") or row["status"] for row in response.json()["rows"]]


def stored(client: httpx.Client) -> Any:
    """Return the only entry."""
    (entry,) = read(client, "/timesheets")
    return entry


def test_date_as_written_decides_the_day(api: SignedApi, job: httpx.Client) -> None:
    csv = "user_id,project,hours,date,day\n"
    ndjson = ""
    for place, date in enumerate(DAYS):
        create_entry(job, {**ENTRY, "user_id": f"a{place}", "date": date})
        ndjson += json.dumps({**ENTRY, "user_id": f"b{place}", "date": date}) + "\n"
        csv += f"c{place},StoreZero,1,{date},\n"
    for type_, content in (("application/x-ndjson", ndjson), ("text/csv", csv)):
        job.post(UPLOAD, content=content, headers={"Content-Type": type_}).raise_for_status()
    entries = read(job, "/timesheets", sort="id", count=100)
    assert [entry["day"] for entry in entries] == list(DAYS.values()) * 3
    assert create_entry(api.person("ada"), {**ENTRY, "date": SUNDAY_EVENING})["day"] == "2026-03-02"
    assert len(read(job, "/timesheets", day="2026-03-02", date="2026-03-02T08:30:00+09:00")) == 13


def test_monday_morning_in_tokyo_counts_for_its_week_and_month(job: httpx.Client) -> None:
    assert period(create_entry(job, {**ENTRY, "date": SUNDAY_EVENING})) == MONDAY
    create_entry(job, {**ENTRY, "date": "2026-03-31T23:30:00Z"})
    months = read(job, "/timesheets/summary", by="month")
    assert [(row["month"], row["hours"]) for row in months] == [("2026-03", 1), ("2026-04", 1)]
    weeks = read(job, "/timesheets/summary", by="week")
    assert [(row["year"], row["week"]) for row in weeks] == [(2026, 10), (2026, 14)]


@pytest.mark.parametrize("way", ["single", "upload"])
def test_day_in_sydney_has_24_hours_whatever_its_days_in_utc(job: httpx.Client, way: str) -> None:
    # All three are on Sunday in UTC; the last two are on Monday in Sydney.
    days = [("2026-03-01T12:00", 14), ("2026-03-02T08:00", 14), ("2026-03-02T10:00", 10)]
    rows = [{**ENTRY, "date": f"{time}:00+11:00", "hours": hours} for time, hours in days]
    more = {**ENTRY, "date": "2026-03-02T22:00:00+11:00", "hours": 1}
    if way == "upload":
        assert uploaded(job, *rows) == ["created"] * 3
        ((error,),) = uploaded(job, more)
        assert error["message"].endswith("ada on 2026-03-02 exceeds the limit of 24 a day")
        return
    for row in rows:
        create_entry(job, row)
    message = messages(job.post("/timesheets", json=more))["hours"]
    assert message == "hours must be at most 24 a day, not 25: ada has 24 on 2026-03-02 already"


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-02"])
def test_day_at_some_offset_is_accepted(job: httpx.Client, day: str) -> None:
    row = {**ENTRY, "date": SUNDAY_EVENING, "day": day}
    assert create_entry(job, row)["day"] == day
    assert uploaded(job, row) == ["created"]
    weeks = read(job, "/timesheets", day=day, fields="week")
    assert [entry["week"] for entry in weeks] == [9 if day == "2026-03-01" else 10] * 2


def test_invalid_period_is_rejected_by_every_write(job: httpx.Client) -> None:
    path = f"/timesheets/{create_entry(job, {**ENTRY, 'date': '2001-01-01'})['id']}"
    for period_, message in INVALID:
        for method, target in (("POST", "/timesheets"), ("PATCH", path)):
            response = job.request(method, target, json={**ENTRY, **period_})
            assert_problem(response, 400, "validation-failed")
            assert messages(response) == {message.split()[0]: message}
    rows = [{**ENTRY, **key, **period_} for period_, _ in INVALID for key in ({}, KEY)]
    expected = [[{"field": m.split()[0], "message": m}] for _, m in INVALID for _ in range(2)]
    assert uploaded(job, *rows) == expected
    report = job.post("/timesheets?mode=partial", json=rows[::2]).json()
    assert [row["errors"] for row in report["rows"]] == expected[::2]
    change = {"id": stored(job)["id"], **INVALID[0][0]}
    assert INVALID[0][1] in job.patch("/timesheets", json=[change]).text


def test_offset_that_no_place_has_is_read_if_the_day_is_given(job: httpx.Client) -> None:
    entry = create_entry(job, {**ENTRY, "date": "2026-03-02T14:30:00+15:00", "day": "2026-03-02"})
    assert (entry["date"], entry["day"]) == (SUNDAY_EVENING, "2026-03-02")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "bulk"])
def test_stored_date_keeps_the_stored_day(job: httpx.Client, method: str) -> None:
    entry = create_entry(job, {**ENTRY, "date": SUNDAY_EVENING, "day": "2026-03-01"})
    del entry["message"]

    def write(**body: Any) -> Any:
        if method == "bulk":
            response = job.patch("/timesheets", json=[{"id": entry["id"], **body}])
        else:
            response = job.request(method, f"/timesheets/{entry['id']}", json=body)
        assert response.is_success, response.text
        return stored(job)

    assert write(**entry) == entry
    for date in (SUNDAY_EVENING, "2026-03-02T08:30:00+09:00", "2026-03-01T23:30:00+00:00"):
        assert write(date=date) == entry
        assert write(date=date, year=2026, week=9) == entry
    assert period(write(day="2026-03-02")) == MONDAY
    assert period(write(date="2026-03-02T08:30:00+09:00", day="2026-03-01")) == SUNDAY
    assert period(write(date="2026-03-02T23:30:00Z")) == ("2026-03-03", 2026, 10)
    assert period(write(date="2026-03-02T23:30:00+00:00")) == ("2026-03-03", 2026, 10)


def test_day_that_contradicts_the_stored_date_is_rejected(job: httpx.Client) -> None:
    entry = create_entry(job, {**ENTRY, "date": SUNDAY_EVENING})
    path = f"/timesheets/{entry['id']}"
    for body in ({"day": "2026-02-28"}, {**ENTRY, "date": SUNDAY_EVENING, "day": "2026-03-03"}):
        assert set(messages(job.put(path, json=body))) == {"day"}
    assert set(messages(job.patch(path, json={"day": None}))) == {"day"}
    response = job.patch(path, json={"day": "2026-03-01", "week": 10})
    assert messages(response) == {"week": "week must be 9 to match the date, not 10"}
    assert period(stored(job)) == MONDAY


def test_put_of_another_date_with_the_stored_day_is_rejected(job: httpx.Client) -> None:
    entry = create_entry(job, {**ENTRY, "date": "2026-03-02T08:00:00Z"})
    del entry["message"]
    path = f"/timesheets/{entry['id']}"
    for date in ("2026-03-03T08:00:00Z", "2026-03-03T11:59:00Z"):
        response = job.put(path, json={**entry, "date": date})
        message = "day must be left out, or that of the new date: 2026-03-02 is the day of the"
        assert messages(response) == {"day": f"{message} stored date"}
    later = {**entry, "date": "2026-03-02T11:00:00.000Z"}
    assert job.put(path, json=later).json().items() >= {"day": "2026-03-02", "hours": 1}.items()
    without = {name: value for name, value in entry.items() if name not in PERIOD}
    del without["version"], without["updatedAt"]
    moved = job.put(path, json={**without, "date": "2026-03-03T08:00:00Z"}).json()
    assert period(moved) == ("2026-03-03", 2026, 10)
    patch = {"date": "2026-03-04T08:00:00Z", "day": "2026-03-03"}
    assert job.patch(path, json=patch).json()["day"] == "2026-03-03"


@pytest.mark.parametrize("way", ["single", "upload"])
def test_entry_becomes_weekly_and_dated_again(job: httpx.Client, way: str) -> None:
    entry = create_entry(job, {**ENTRY, **KEY, "date": SUNDAY_EVENING})

    def write(**values: Any) -> Any:
        if way == "upload":
            assert uploaded(job, {**ENTRY, **KEY, **values}) == ["updated"]
        else:
            body = {"date": None, **values}
            job.patch(f"/timesheets/{entry['id']}", json=body).raise_for_status()
        return stored(job)

    weekly = write(year=2026, week=9)
    assert (weekly["date"], *period(weekly)) == (None, "2026-02-26", 2026, 9)
    assert job.put(f"/timesheets/{entry['id']}", json=weekly).json() == weekly
    assert uploaded(job, {**ENTRY, **KEY, **dict(zip(PERIOD, period(weekly), strict=True))}) == [
        "unchanged"
    ]
    assert period(write(date=SUNDAY_EVENING)) == MONDAY
    assert period(write(year=2026, week=9, day="2026-02-26")) == ("2026-02-26", 2026, 9)
    assert period(write(date=SUNDAY_EVENING, day="2026-03-01")) == SUNDAY


def test_uploaded_row_of_the_stored_date_keeps_the_stored_day(job: httpx.Client) -> None:
    row = {**ENTRY, **KEY, "date": SUNDAY_EVENING}
    assert uploaded(job, {**row, "day": "2026-03-01"}) == ["created"]
    before = stored(job)
    for same in (
        row,
        {**row, "date": "2026-03-02T08:30:00+09:00"},
        {**row, "day": None},
        {**row, "week": 9},
        {**row, "year": 2026, "week": 9},
    ):
        if same.get("day", "") is None:
            csv = "{}\n{}\n".format(",".join(same), ",".join(str(v or "") for v in same.values()))
            response = job.post(UPLOAD, content=csv, headers={"Content-Type": "text/csv"})
            assert response.json()["unchanged"] == 1, response.text
        else:
            assert uploaded(job, same) == ["unchanged"]
            assert uploaded(job, same, dry_run="true") == ["unchanged"]
    assert stored(job) == before
    message = "week must be 10 to match the day 2026-03-02, not 11"
    error = [{"field": "week", "message": message}]
    assert uploaded(job, {**row, "week": 11}, {**row, "external_id": "T-2", "week": 11}) == [
        error,
        error,
    ]
    assert uploaded(job, {**row, "hours": 2}) == ["updated"]
    assert (period(stored(job)), stored(job)["hours"]) == (SUNDAY, 2)
    moved = {**row, "hours": 2, "date": "2026-03-02T23:30:00Z"}
    assert uploaded(job, {**moved, "week": 9}) == [
        [{"field": "week", "message": "week must be 10 to match the day 2026-03-03, not 9"}]
    ]
    assert uploaded(job, moved) == ["updated"]
    assert period(stored(job)) == ("2026-03-03", 2026, 10)
    assert uploaded(job, {**moved, "day": "2026-03-02"}) == ["updated"]
    assert period(stored(job)) == MONDAY


@pytest.mark.parametrize("way", ["single", "upload"])
def test_history_records_the_day(job: httpx.Client, way: str) -> None:
    row = {**ENTRY, **KEY, "date": SUNDAY_EVENING}
    uploaded(job, row)
    entry = stored(job)
    if way == "upload":
        assert uploaded(job, {**row, "day": "2026-03-01"}) == ["updated"]
    else:
        job.patch(f"/timesheets/{entry['id']}", json={"day": "2026-03-01"}).raise_for_status()
    created, changed = read(job, f"/timesheets/{entry['id']}/history")
    assert {name: created["after"][name] for name in PERIOD} == dict(
        zip(PERIOD, MONDAY, strict=True)
    )
    assert changed["before"] == {"day": "2026-03-02", "week": 10}
    assert changed["after"] == {"day": "2026-03-01", "week": 9}


def test_lock_judges_the_local_day(api: SignedApi, job: httpx.Client) -> None:
    api.machine("office").post("/timesheets/locks", json={"before": "2026-03-02"})
    row = {**ENTRY, **KEY, "date": SUNDAY_EVENING}
    message = "day 2026-03-01 is locked: entries before 2026-03-02 cannot be created, changed or"
    sunday = {**row, "day": "2026-03-01"}
    assert message in job.post("/timesheets", json=sunday).text
    assert message in str(uploaded(job, sunday))
    assert uploaded(job, row) == ["created"]
    path = f"/timesheets/{stored(job)['id']}"
    assert message in job.patch(path, json={"day": "2026-03-01"}).text
    assert message in str(uploaded(job, sunday))
    assert period(stored(job)) == MONDAY


def test_entry_of_utc_days_is_unchanged_when_sent_with_its_local_day(
    api: SignedApi, job: httpx.Client
) -> None:
    row = {**ENTRY, **KEY, "date": SUNDAY_EVENING, "day": "2026-03-02"}
    create_entry(job, {**row, "day": "2026-03-01"})
    legacy = sa.update(Timesheet.metadata.tables["timesheets"]).values(legacy=True)
    with_connection(api.database_url, lambda c: execute(c, legacy))
    before = stored(job)
    for sent in (row, {**row, "week": 10}, {**ENTRY, **KEY, "date": SUNDAY_EVENING}):
        assert uploaded(job, sent) == ["unchanged"]
    assert stored(job) == before
    assert uploaded(job, {**row, "hours": 2}) == ["updated"]
    assert period(stored(job)) == MONDAY
    assert uploaded(job, {**row, "hours": 2, "day": "2026-03-01"}) == ["updated"]


def execute(connection: sa.Connection, statement: sa.Executable) -> None:
    connection.execute(statement)
    connection.commit()


@given(st.sampled_from(PLACES), INSTANTS, st.sampled_from(["day", "offset"]))
@example("Australia/Lord_Howe", datetime(2026, 4, 4, 15, 15, 0, 123456), "offset")  # noqa: DTZ001 - as above
@settings(max_examples=10)
def test_day_is_that_of_the_place_and_what_get_returns_changes_nothing(
    served: SignedApi, place: str, instant: datetime, way: str
) -> None:
    job, key = served.machine("job"), {"source": "tempus", "external_id": str(uuid4())}
    local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(place))
    row = {**ENTRY, **key, "user_id": key["external_id"], "date": local.isoformat()}
    if way == "day":
        row |= {"date": f"{instant.isoformat()}Z", "day": str(local.date())}
    entry = create_entry(job, row)
    assert period(entry) == (str(local.date()), *local.isocalendar()[:2])
    del entry["message"]
    path = f"/timesheets/{entry['id']}"
    for body in (entry, {name: value for name, value in entry.items() if name not in PERIOD}):
        assert job.put(path, json=body).json() == entry
    sent = {name: entry[name] for name in (*ENTRY, *key, "date")}
    for again in (row, sent, {**sent, **{name: entry[name] for name in PERIOD}}):
        assert uploaded(job, again) == ["unchanged"]
    assert read(job, path) == entry
