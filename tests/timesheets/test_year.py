"""A year of entries: imported by the client, partly approved, and compared with exact sums."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.timesheets.entries import Entry, write_csv, year_of
from tests.fixtures.system import ROOT
from tests.timesheets.conftest import ApiUsers, read

pytestmark = pytest.mark.processes

YEAR = 2016
APPROVED = "StoreZero"
"""The project whose entries are approved."""

Key = tuple[Any, ...]


def local_day(entry: Entry) -> date:
    """Return the day on which an entry was noted, which the client sends."""
    return datetime.fromisoformat(entry.date).date()


def iso_week(entry: Entry) -> Key:
    found = local_day(entry).isocalendar()
    return found.year, found.week


KEYS: dict[str, tuple[tuple[str, ...], Callable[[Entry], Key]]] = {
    "employee": (("user_id",), lambda entry: (entry.user_id,)),
    "project": (("project",), lambda entry: (entry.project,)),
    "week": (("year", "week"), iso_week),
    "month": (("month",), lambda entry: (f"{local_day(entry):%Y-%m}",)),
    "approved": (("approved",), lambda entry: (entry.project == APPROVED,)),
    "employee,month": (
        ("user_id", "month"),
        lambda entry: (entry.user_id, f"{local_day(entry):%Y-%m}"),
    ),
    "project,week,approved": (
        ("project", "year", "week", "approved"),
        lambda entry: (entry.project, *iso_week(entry), entry.project == APPROVED),
    ),
}


def sums(entries: list[Entry], key: Callable[[Entry], Key]) -> dict[Key, tuple[Fraction, int]]:
    """Return the hours and the number of entries by group; hours are exact fractions."""
    found: dict[Key, tuple[Fraction, int]] = defaultdict(lambda: (Fraction(0), 0))
    for entry in entries:
        hours, count = found[key(entry)]
        found[key(entry)] = hours + Fraction(entry.hours), count + 1
    return dict(found)


@pytest.fixture
def year(users: ApiUsers, tmp_path: Path) -> list[Entry]:
    """Return the year's entries, imported by the client; one project is approved."""
    entries = list(year_of(year=YEAR))
    source = tmp_path / "year.csv"
    with source.open("w", encoding="utf-8") as stream:
        write_csv(entries, stream)
    process = import_file(users, source)
    assert (process.returncode, f"{len(entries)} created" in process.stderr) == (0, True), process
    approve_project(users.person("manager@abc.example"))
    return entries


def import_file(users: ApiUsers, source: Path) -> "subprocess.CompletedProcess[str]":
    system = users.system
    url = f"{system.url}/timesheets/upload"
    return subprocess.run(
        [sys.executable, "-m", "client", "import", "timesheets", str(source), "--url", url],
        cwd=system.directory,
        env={**system.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def approve_project(manager: httpx.Client) -> None:
    """Approve the project's entries, a thousand at a time."""
    query = {"project": APPROVED, "count": 1000, "fields": "id,version"}
    while rows := read(manager, "/approvals", **query):
        body = {"entries": rows, "status": "approved"}
        response = manager.put("/approvals", json=body)
        assert response.status_code == 200, response.text


def test_summaries_of_a_year_are_exact(users: ApiUsers, year: list[Entry]) -> None:
    machine = users.machine()
    assert {entry.user_type for entry in year} == {"Employee", "Contractor"}
    for by, (names, key) in KEYS.items():
        rows = read(machine, "/timesheets/summary", by=by)
        found = {
            tuple(row[name] for name in names): (Fraction(str(row["hours"])), row["entries"])
            for row in rows
        }
        assert len(found) == len(rows), by
        assert found == sums(year, key), by
    approved = read(machine, "/timesheets/summary", by="month", approved="true")
    only = [entry for entry in year if entry.project == APPROVED]
    assert {row["month"]: row["entries"] for row in approved} == {
        month: count for (month,), (_, count) in sums(only, KEYS["month"][1]).items()
    }
