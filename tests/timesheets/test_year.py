"""A year of ABC Inc.: imported by the job, partly approved, summed up, and held against sums of
the test's own."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.timesheets.entries import Entry, write_csv, year_of
from tests.fixtures.system import ROOT
from tests.timesheets.conftest import Office, read

pytestmark = pytest.mark.processes

YEAR = 2016
APPROVED = "StoreZero"
"""The project whose entries are approved."""

Key = tuple[Any, ...]


def utc_day(entry: Entry) -> date:
    return datetime.fromisoformat(entry.date).astimezone(UTC).date()


def iso_week(entry: Entry) -> Key:
    found = utc_day(entry).isocalendar()
    return found.year, found.week


KEYS: dict[str, tuple[tuple[str, ...], Callable[[Entry], Key]]] = {
    "employee": (("user_id",), lambda entry: (entry.user_id,)),
    "project": (("project",), lambda entry: (entry.project,)),
    "week": (("year", "week"), iso_week),
    "month": (("month",), lambda entry: (f"{utc_day(entry):%Y-%m}",)),
    "approved": (("approved",), lambda entry: (entry.project == APPROVED,)),
    "employee,month": (
        ("user_id", "month"),
        lambda entry: (entry.user_id, f"{utc_day(entry):%Y-%m}"),
    ),
    "project,week,approved": (
        ("project", "year", "week", "approved"),
        lambda entry: (entry.project, *iso_week(entry), entry.project == APPROVED),
    ),
}


def sums(entries: list[Entry], key: Callable[[Entry], Key]) -> dict[Key, tuple[Fraction, int]]:
    """Add up hours and entries; in fractions, which no database knows."""
    found: dict[Key, tuple[Fraction, int]] = defaultdict(lambda: (Fraction(0), 0))
    for entry in entries:
        hours, count = found[key(entry)]
        found[key(entry)] = hours + Fraction(entry.hours), count + 1
    return dict(found)


@pytest.fixture
def year(office: Office, tmp_path: Path) -> list[Entry]:
    """The year, imported by the job and one project of it approved."""
    entries = list(year_of(year=YEAR))
    source = tmp_path / "year.csv"
    with source.open("w", encoding="utf-8") as stream:
        write_csv(entries, stream)
    done = import_file(office, source)
    assert (done.returncode, f"{len(entries)} created" in done.stderr) == (0, True), done
    approve_project(office.person("manager@abc.example"))
    return entries


def import_file(office: Office, source: Path) -> "subprocess.CompletedProcess[str]":
    system = office.system
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
    query = {"project": APPROVED, "count": 1000, "fields": "id"}
    while rows := read(manager, "/approvals", **query):
        body = {"ids": [row["id"] for row in rows], "status": "approved"}
        response = manager.put("/approvals", json=body)
        assert response.status_code == 200, response.text


def test_every_summary_of_a_year_is_the_sum_of_its_entries(
    office: Office, year: list[Entry]
) -> None:
    machine = office.machine()
    assert {entry.user_type for entry in year} == {"Employee", "Contractor"}
    for by, (names, key) in KEYS.items():
        rows = read(machine, "/timesheets/summary", by=by)
        given = {
            tuple(row[name] for name in names): (Fraction(str(row["hours"])), row["entries"])
            for row in rows
        }
        assert len(given) == len(rows), by
        assert given == sums(year, key), by
    approved = read(machine, "/timesheets/summary", by="month", approved="true")
    only = [entry for entry in year if entry.project == APPROVED]
    assert {row["month"]: row["entries"] for row in approved} == {
        month: count for (month,), (_, count) in sums(only, KEYS["month"][1]).items()
    }
