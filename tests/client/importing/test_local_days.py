"""Entries count for the contractor's local day, through the running service.

Times around both changes of the clocks of 2026, and around midnight in UTC.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from tests.client.importing.imports import ServiceImports

CHANGES: Final = {
    "Asia/Tokyo": ("2026-03-29", "2026-10-25"),  # Its clocks are not changed.
    "Australia/Sydney": ("2026-04-05", "2026-10-04"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
}
HOURS: Final = 0.5


def instants_around(day: str) -> list[datetime]:
    """Return every third hour from the day before to the day after."""
    noon = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
    return [noon + timedelta(hours=hours) for hours in range(-39, 40, 3)]


@pytest.mark.parametrize("zone", CHANGES)
def test_local_times_count_for_their_local_day(
    imports: ServiceImports, tmp_path: Path, zone: str
) -> None:
    instants = [instant for day in CHANGES[zone] for instant in instants_around(day)]
    local = [instant.astimezone(ZoneInfo(zone)) for instant in instants]
    days = sorted(time.date().isoformat() for time in local)
    forms = {
        "local": (f'time_zone = "{zone}"', [f"{time:%Y-%m-%d %H:%M}" for time in local]),
        "offset": ("", [time.isoformat() for time in local]),
        "utc": (f'time_zone = "{zone}"', [f"{time:%Y%m%dT%H%M%SZ}" for time in instants]),
    }
    for form, (setting, texts) in forms.items():
        source = f"{zone}-{form}"
        rows = [f"{source}-{n},{text},P,{HOURS}" for n, text in enumerate(texts)]
        export, mapping = tmp_path / f"{form}.csv", tmp_path / f"{form}.toml"
        export.write_text("\n".join(["user_id,date,project,hours", *rows]))
        mapping.write_text(f'source = "{source}"\n{setting}\n')
        result = imports.run(export, "--mapping", mapping, "--state", tmp_path / form)
        stored = imports.stored(source)
        assert sorted(entry["day"] for entry in stored) == days, result.err
        if form == "local":
            # Of a time that occurs twice, the first.
            instants_sent = [time.replace(fold=0).astimezone(UTC) for time in local]
        else:
            instants_sent = instants
        sent = sorted(f"{instant:%Y-%m-%dT%H:%M:%S.000Z}" for instant in instants_sent)
        assert sorted(entry["date"] for entry in stored) == sent
        for entry in stored:
            year, week, _ = datetime.fromisoformat(entry["day"]).isocalendar()
            assert (entry["year"], entry["week"]) == (year, week)


def test_monday_morning_in_tokyo_is_in_that_week(imports: ServiceImports, tmp_path: Path) -> None:
    (entry,) = import_rows(imports, tmp_path, "Asia/Tokyo", "ada.tokyo,2026-03-02 08:30,P,8")
    assert (entry["date"], entry["day"]) == ("2026-03-01T23:30:00.000Z", "2026-03-02")
    assert (entry["year"], entry["week"]) == (2026, 10)


def test_lawful_hours_in_sydney_are_accepted(imports: ServiceImports, tmp_path: Path) -> None:
    # 13 and 12 hours on two local days, which begin on one day in UTC.
    rows = ("ada.sydney,2026-03-02 11:00,P,13", "ada.sydney,2026-03-03 09:00,P,12")
    entries = import_rows(imports, tmp_path, "Australia/Sydney", *rows)
    assert [entry["date"][:10] for entry in entries] == ["2026-03-02", "2026-03-02"]
    assert [entry["day"] for entry in entries] == ["2026-03-02", "2026-03-03"]


def test_too_many_hours_of_a_local_day_are_rejected(
    imports: ServiceImports, tmp_path: Path
) -> None:
    # 25 hours on one local day, which is two days in UTC.
    rows = ("bo.sydney,2026-03-02 09:00,P,13", "bo.sydney,2026-03-02 22:00,P,12")
    assert len(import_rows(imports, tmp_path, "Australia/Sydney", *rows)) == 1


def import_rows(
    imports: ServiceImports, directory: Path, zone: str, *rows: str
) -> list[dict[str, Any]]:
    """Import rows in our names in a zone; return what is stored, in order."""
    source = rows[0].partition(",")[0]
    (directory / "rows.csv").write_text("\n".join(["user_id,date,project,hours", *rows]))
    (directory / "m.toml").write_text(f'source = "{source}"\ntime_zone = "{zone}"\n')
    arguments = ("--mapping", directory / "m.toml", "--state", directory / "state")
    imports.run(directory / "rows.csv", *arguments)
    return imports.stored(source)
