"""Entries of the version whose hours had two decimals, imported again after the migration."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest
import sqlalchemy as sa
from alembic import command

from db.models.timesheet import Timesheet
from encore.database.engine import with_connection
from tests.fixtures.databases import alembic_config
from tests.fixtures.system import ROOT, System, start_system
from tests.fixtures.workers import DATABASES
from tests.timesheets.conftest import CLIENT, ApiUsers, read
from tests.timesheets.signed_api import empty_database

pytestmark = pytest.mark.processes

BEFORE: Final = "a94d07e2c6f3"
UPLOAD: Final = "/timesheets/upload"
SCOPES: Final = "create:timesheets read:timesheets approve:timesheets lock:timesheets batch:upload"


class Row(NamedTuple):
    """A row of the tracker, and what the version before stored of it.

    Attributes:
        date: As in the file; None for a weekly row of week 24 of 2016.
        seconds: The seconds worked, which the tracker knows.
        hundredths: The hours that the version before stored, in hundredths.
    """

    date: str | None
    seconds: int
    hundredths: int
    status: str = "submitted"
    day: str = "2017-05-10"

    def sent(self, number: int, *, exact: bool = False) -> dict[str, Any]:
        """Return the row as the job sends it: hours of the file, or to the second."""
        hours = self.seconds / 3600 if exact else self.hundredths / 100
        when = {"year": 2016, "week": 24} if self.date is None else {"date": self.date}
        key = {"source": "tempus", "external_id": f"T-{number}"}
        return {"user_id": f"00{number}", "project": "StoreZero", **when, "hours": hours, **key}


ROWS: Final = (
    Row("2017-05-10T06:00:00.000Z", 26_400, 733),
    Row("2017-05-10T09:30:15.250Z", 1200, 33, "approved"),
    Row("2017-05-10T23:30:00.000Z", 5430, 151, "rejected"),
    Row("2017-05-11T00:00:00.000Z", 18, 1, day="2017-05-11"),
    Row("2017-05-10T12:00:00.000Z", 27_000, 750, "approved"),
    Row(None, 144_010, 4000, "approved", day="2016-06-16"),
    Row("2017-05-10T10:00:00.000Z", 86_410, 2400),
    Row("2017-05-10T07:00:00.000Z", 26_406, 733),
    Row("2017-05-10T08:00:00.000Z", 26_406, 734),
)
"""The last two are half-way between hundredths, and were rounded down and up."""

INSERT: Final = """
INSERT INTO timesheets (user_type, user_id, date, year, week, day, project, hours, status,
    approved, source, external_id, created_by, version, "createdAt", "updatedAt")
VALUES ('Employee', '00{number}', {date}, {year}, {week}, '{day}', 'StoreZero', {hundredths},
    '{status}', {approved}, 'tempus', 'T-{number}', '{client}', 1, '2017-05-12T00:00:00.000Z',
    '2017-05-12T00:00:00.000Z')
"""


def statement_of(number: int, row: Row) -> str:
    """Return the statement that stores a row as the version before did."""
    year, week = (2016, 24) if row.date is None else (2017, 19)
    date = "NULL" if row.date is None else f"'{row.date}'"
    approved = row.status == "approved"
    values = {**row._asdict(), "date": date, "approved": approved, "year": year, "week": week}
    return INSERT.format(number=number, client=CLIENT, **values)


@pytest.fixture(scope="module", params=DATABASES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Return the service over a database that it has migrated, with entries of before."""
    with empty_database(request, tmp_path_factory) as (directory, url):
        command.upgrade(alembic_config(url), BEFORE)

        def store(connection: sa.Connection) -> None:
            for number, row in enumerate(ROWS):
                connection.execute(sa.text(statement_of(number, row).replace(":", r"\:")))
            connection.commit()

        with_connection(url, store)
        system = start_system(directory, LOG_LEVEL="warning", DATABASE_URL=url)
        yield system
        system.stop()


class LegacyApi(NamedTuple):
    """The service, and a client of the job that imported the entries."""

    system: System
    job: httpx.Client

    def upload(self, *rows: Any, **params: str) -> Any:
        """Upload rows; return the counts and the rows' statuses."""
        response = self.job.post(UPLOAD, json=rows, params={"mode": "partial", **params})
        assert response.status_code == 200, response.text
        report = response.json()
        counts = {name: report[name] for name in ("created", "updated", "unchanged", "rejected")}
        return {name: count for name, count in counts.items() if count}

    def rows(self) -> list[Any]:
        """Return the stored entries."""
        found: list[Any] = []
        select = sa.select(Timesheet.__table__).order_by(Timesheet.id)
        url = self.system.database_url
        with_connection(url, lambda c: found.extend(map(dict, c.execute(select).mappings())))
        return found

    def marks(self) -> list[bool]:
        return [row["legacy"] for row in self.rows()]

    def entry(self, number: int) -> Any:
        (entry,) = read(self.job, "/timesheets", external_id=f"T-{number}")
        return entry


@pytest.fixture
def api(served: System) -> Iterator[LegacyApi]:
    """Return the service with the migrated entries; they are put back after the test."""
    users = ApiUsers(served)
    found = LegacyApi(served, users.machine(SCOPES))
    before = found.rows()

    def put_back(connection: sa.Connection) -> None:
        connection.execute(sa.delete(Timesheet))
        connection.execute(sa.insert(Timesheet.metadata.tables["timesheets"]), before)
        connection.commit()

    yield found
    with_connection(served.database_url, put_back)
    users.close()


def test_file_imported_before_the_migration_is_unchanged_after_it(
    api: LegacyApi, tmp_path: Path
) -> None:
    stored = api.rows()
    (tmp_path / "mapping.toml").write_text('source = "tempus"\n')
    for name, exact in (("decimals.ndjson", False), ("seconds.ndjson", True)):
        rows = [row.sent(number, exact=exact) for number, row in enumerate(ROWS)]
        file = tmp_path / name
        file.write_text("\n".join(map(json.dumps, rows)))
        process = import_file(api.system, file)
        assert process.returncode == 0, process.stderr
        expected = f"0 created, 0 updated, {len(ROWS)} unchanged, 0 rejected"
        assert expected in process.stderr
    assert api.rows() == stored


def import_file(system: System, file: Path) -> "subprocess.CompletedProcess[str]":
    """Run the import job on a file."""
    arguments = [
        str(file),
        "--mapping",
        str(file.parent / "mapping.toml"),
        "--state",
        str(file.parent),
    ]
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "client",
            "import",
            "timesheets",
            *arguments,
            "--url",
            system.url + UPLOAD,
        ],
        cwd=system.directory,
        env={**system.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("params", [{}, {"dry_run": "true"}, {"mode": "atomic"}])
def test_rows_to_the_second_are_unchanged_in_a_locked_period(
    api: LegacyApi, params: dict[str, str]
) -> None:
    rows = [row.sent(number, exact=True) for number, row in enumerate(ROWS)]
    assert api.job.post("/timesheets/locks", json={"before": "2018-01-01"}).status_code == 201
    try:
        assert api.upload(*rows, **params) == {"unchanged": len(ROWS)}
    finally:
        api.job.post("/timesheets/locks", json={"before": None})
    assert all(api.marks())


def test_single_row_to_the_second_is_unchanged(api: LegacyApi) -> None:
    response = api.job.post(UPLOAD, json=ROWS[1].sent(1, exact=True))
    assert (response.status_code, response.json()["hours"]) == (200, 0.33)


@pytest.mark.parametrize(
    "change",
    [{"hours": 7.34}, {"hours": 26_407 / 3600}, {"hours": 7.32}, {"date": "2017-05-10T06:00:01Z"}],
)
def test_changed_row_is_updated_and_no_longer_legacy(
    api: LegacyApi, change: dict[str, Any]
) -> None:
    row = ROWS[0].sent(0) | change
    assert api.upload(row) == {"updated": 1}
    assert api.marks() == [False] + [True] * (len(ROWS) - 1)
    assert api.upload(row) == {"unchanged": 1}
    one_second = 1 / 3600
    assert api.upload(row | {"hours": row["hours"] + one_second}) == {"updated": 1}


def test_changed_row_of_approved_entry_is_rejected(api: LegacyApi) -> None:
    for number in (1, 4, 5):
        assert api.upload(ROWS[number].sent(number) | {"hours": 1}) == {"rejected": 1}
    assert api.upload(ROWS[1].sent(1) | {"project": "StoreOne"}) == {"rejected": 1}
    too_long = ROWS[0].sent(9) | {"hours": 86_410 / 3600}
    assert api.upload(too_long) == {"rejected": 1}
    assert all(api.marks())


def test_row_that_changes_another_field_keeps_hours_and_mark(api: LegacyApi) -> None:
    changed = ROWS[0].sent(0, exact=True) | {"project": "StoreOne"}
    assert api.upload(changed) == {"updated": 1}
    entry = api.entry(0)
    assert (entry["hours"], entry["project"]) == (7.33, "StoreOne")
    assert all(api.marks())
    history = read(api.job, f"/timesheets/{entry['id']}/history")
    assert history[-1]["after"] == {"project": "StoreOne"}
    assert api.upload(changed) == {"unchanged": 1}


def test_changed_week_of_weekly_entry_is_not_adopted(api: LegacyApi) -> None:
    assert api.upload(ROWS[5].sent(5, exact=True) | {"week": 25}) == {"rejected": 1}
    moved = {name: value for name, value in ROWS[0].sent(0).items() if name != "date"}
    assert api.upload(moved | {"year": 2017, "week": 19}) == {"updated": 1}
    assert api.entry(0)["date"] is None
    assert not api.marks()[0]


@pytest.mark.parametrize(
    ("change", "is_legacy"),
    [
        ({"project": "StoreOne"}, True),
        ({"hours": 7.33, "project": "StoreOne"}, True),
        ({"hours": 7.3333}, False),
        ({"date": "2017-05-10T06:00:00.001Z"}, False),
    ],
)
def test_single_write_clears_the_mark_if_it_changes_the_time(
    api: LegacyApi,
    change: dict[str, Any],
    is_legacy: bool,  # noqa: FBT001 - a parameter
) -> None:
    response = api.job.patch(f"/timesheets/{api.entry(0)['id']}", json=change)
    assert response.status_code == 200, response.text
    assert api.marks()[0] is is_legacy


def test_get_and_put_changes_nothing(api: LegacyApi) -> None:
    entry = api.entry(0)
    assert api.job.put(f"/timesheets/{entry['id']}", json=entry).json() == entry
    assert all(api.marks())


def test_new_entries_are_not_legacy(api: LegacyApi) -> None:
    new = {**ROWS[0].sent(9), "hours": 0.5}
    assert api.upload(new) == {"created": 1}
    del new["source"], new["external_id"]
    assert api.job.post("/timesheets", json=new).status_code == 201
    assert api.marks()[-2:] == [False, False]
    assert api.upload({**ROWS[0].sent(9), "hours": 0.5003}) == {"updated": 1}


@pytest.mark.parametrize("path", ["/timesheets", "/approvals"])
def test_mark_is_hidden(api: LegacyApi, path: str) -> None:
    (row, *_) = read(api.job, path)
    assert "legacy" not in row
    assert api.job.get(f"{path}?legacy=true").status_code == 400
    assert api.job.get(f"{path}?sort=legacy").status_code == 400
    assert api.job.patch(f"{path}/{row['id']}", json={"legacy": False}).status_code == 400
    document = httpx.get(f"{api.system.url}/openapi.json").text
    assert "legacy" not in document


def test_report_of_upload_does_not_take_the_mark(api: LegacyApi) -> None:
    response = api.job.post(
        UPLOAD, json=[ROWS[0].sent(0) | {"legacy": False}], params={"mode": "partial"}
    )
    assert response.json()["rejected"] == 1, response.text
