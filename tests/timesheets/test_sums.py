"""The sums of a summary, compared with an independent computation for all groups and filters."""

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations
from random import Random
from typing import Any

import pytest

from encore.types import DurationHours
from tests.timesheets.conftest import ApiUsers, create_entry, decide_many, read

SUMMARY = "/timesheets/summary"
GROUPS = ["employee", "project", "week", "month", "approved"]
ALL_GROUPINGS = [
    group
    for group in chain.from_iterable(combinations(GROUPS, size) for size in range(1, 5))
    if not {"week", "month"} <= set(group)
]
PERSONS, PROJECTS = ["007", "008", "jane@example.com"], ["StoreOne", "StoreTwo", "StoreZero"]

Sums = dict[tuple[Any, ...], tuple[Decimal, int]]


@pytest.fixture(scope="module")
def entries(session_users: ApiUsers) -> list[dict[str, Any]]:
    """Return dated and weekly entries around the end of a year with week 53, some approved."""
    session_users.delete_entries()
    random, machine, boss = Random(5), session_users.machine(), session_users.person("boss")
    sent: list[dict[str, Any]] = []
    for n in range(60):
        common = {
            "user_id": random.choice(PERSONS),
            "project": random.choice(PROJECTS),
            "hours": float(DurationHours.from_seconds(random.randrange(1, 10_800))),
        }
        if n % 4:
            timestamp = datetime(2020, 12, 20, tzinfo=UTC) + timedelta(hours=random.randrange(700))
            entry = {**common, "date": timestamp.isoformat()}
        else:
            entry = {
                **common,
                **random.choice([{"year": 2020, "week": 53}, {"year": 2021, "week": 1}]),
            }
        sent.append({**entry, "id": create_entry(machine, entry)["id"], "approved": bool(n % 3)})
    chosen = [entry["id"] for entry in sent if entry["approved"]]
    decide_many(boss, chosen).raise_for_status()
    return sent


def day_of(entry: dict[str, Any]) -> date:
    """Return the day of an entry."""
    if "date" in entry:
        return datetime.fromisoformat(entry["date"]).date()
    return date.fromisocalendar(entry["year"], entry["week"], 4)


def groups_of(entry: dict[str, Any], by: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the values that an entry is grouped by, in the order of the columns."""
    day = day_of(entry)
    values: dict[str, tuple[Any, ...]] = {
        "employee": (entry["user_id"],),
        "project": (entry["project"],),
        "week": tuple(day.isocalendar()[:2]),
        "month": (f"{day:%Y-%m}",),
        "approved": (entry["approved"],),
    }
    return tuple(chain.from_iterable(values[name] for name in GROUPS if name in by))


def expected_sums(entries: list[dict[str, Any]], by: tuple[str, ...]) -> Sums:
    """Return the expected sums, computed in seconds."""
    hours: Counter[Any] = Counter()
    count: Counter[Any] = Counter()
    for entry in entries:
        key = groups_of(entry, by)
        hours[key] += round(entry["hours"] * 3600)
        count[key] += 1
    return {key: (DurationHours.from_seconds(hours[key]), count[key]) for key in count}


def parse_sums(rows: list[dict[str, Any]]) -> Sums:
    """Return the sums of a response, in its order."""
    return {
        tuple(list(row.values())[:-2]): (Decimal(str(row["hours"])), row["entries"]) for row in rows
    }


@pytest.mark.parametrize("by", ALL_GROUPINGS, ids=",".join)
def test_sums_are_exact_and_ordered_by_group(
    session_users: ApiUsers, entries: list[dict[str, Any]], by: tuple[str, ...]
) -> None:
    rows = read(session_users.machine(), SUMMARY, by=",".join(by))
    expected = expected_sums(entries, by)
    assert parse_sums(rows) == expected
    assert list(parse_sums(rows)) == sorted(expected)


def test_columns_follow_the_groups(session_users: ApiUsers, entries: list[dict[str, Any]]) -> None:
    machine = session_users.machine()
    assert entries
    for by, columns in (
        ("", ["user_id"]),
        ("?by=employee", ["user_id"]),
        ("?by=approved,project", ["project", "approved"]),
        ("?by=project&by=approved&by=project", ["project", "approved"]),
        ("?by=month,employee", ["user_id", "month"]),
        ("?by=week,employee,project", ["user_id", "project", "year", "week"]),
    ):
        first = machine.get(SUMMARY + by).json()[0]
        assert list(first) == [*columns, "hours", "entries"]


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("user_id=007", lambda e: e["user_id"] == "007"),
        ("user_id=007&user_id=008", lambda e: e["user_id"] in ("007", "008")),
        ("approved=true", lambda e: e["approved"]),
        ("status=submitted", lambda e: not e["approved"]),
        (
            "day__between=2020-12-28,2021-01-03",
            lambda e: date(2020, 12, 28) <= day_of(e) <= date(2021, 1, 3),
        ),
        ("year=2020&week=53", lambda e: day_of(e).isocalendar()[:2] == (2020, 53)),
        ("hours__gt=1.5", lambda e: e["hours"] > 1.5),
        ("date__is_null=true", lambda e: "date" not in e),
        ("project__in=StoreOne,StoreTwo", lambda e: e["project"] != "StoreZero"),
        ("q=store", lambda _: True),
        (
            "or=user_id=007|project=StoreOne",
            lambda e: "007" in e["user_id"] or "One" in e["project"],
        ),
        ("not=user_id=007|approved__is_null=true", lambda e: e["user_id"] != "007"),
        ("user_id__in=[]", lambda _: False),
        ("user_id=nobody", lambda _: False),
    ],
)
@pytest.mark.parametrize("by", ["employee", "project", "week", "month", "approved"])
def test_filters_of_the_list_apply_to_summary(
    session_users: ApiUsers, entries: list[dict[str, Any]], query: str, matches: Any, by: str
) -> None:
    response = session_users.machine().get(f"{SUMMARY}?{query}&by={by}")
    assert response.status_code == 200, response.text
    assert parse_sums(response.json()) == expected_sums([e for e in entries if matches(e)], (by,))


@pytest.mark.parametrize("by", ["employee", "employee,project,week,approved", "month"])
def test_csv_and_json_have_equal_rows(
    session_users: ApiUsers, entries: list[dict[str, Any]], by: str
) -> None:
    machine = session_users.machine()
    assert entries
    rows = read(machine, SUMMARY, by=by)
    text = machine.get(SUMMARY, params={"by": by, "format": "csv"}).text
    assert text.count("\r\n") == len(rows) + 1 == text.count("\n")
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert header == list(rows[0])
    assert lines == [
        [str(v).lower() if isinstance(v, bool) else str(v) for v in row.values()] for row in rows
    ]
