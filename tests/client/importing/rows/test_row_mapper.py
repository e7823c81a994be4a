"""Mapping of rows: names, notations, dates, numbers."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.rows.row_error import RowError
from client.importing.rows.row_mapper import RowMapper
from client.importing.rows.timestamps import timestamp_parser
from tests.client.importing.conftest import FakeUploadApi, ImportRun

BASE = {"user_id": "007", "project": "StoreZero", "hours": 5, "date": "2017-05-10"}


def mapped(row: dict[str, Any], **mapping: Any) -> dict[str, Any]:
    """Return the entry for a row."""
    return RowMapper(FieldMapping(**mapping)).map_row(row).fields


def reason(row: dict[str, Any], **mapping: Any) -> str:
    """Return why a row is rejected."""
    with pytest.raises(RowError) as refusal:
        mapped(row, **mapping)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("text", "mapping", "sent"),
    [
        ("2017-05-10T17:40:20.095Z", {}, "2017-05-10T17:40:20.095Z"),
        ("2017-05-10T17:40:20.0959+02:00", {}, "2017-05-10T15:40:20.095Z"),
        ("2017-05-10 17:40", {"time_zone": "Europe/Berlin"}, "2017-05-10T15:40:00.000Z"),
        ("2017-01-10 17:40", {"time_zone": "Europe/Berlin"}, "2017-01-10T16:40:00.000Z"),
        # A date stays the same day, east and west of Greenwich.
        ("2017-05-10", {"time_zone": "Europe/Berlin"}, "2017-05-10T00:00:00.000Z"),
        ("2017-05-10", {"time_zone": "America/New_York"}, "2017-05-10T00:00:00.000Z"),
        ("10.05.2017", {"date_format": "%d.%m.%Y"}, "2017-05-10T00:00:00.000Z"),
        (
            "05/10/17 05:40 PM",
            {"date_format": "%m/%d/%y %I:%M %p", "time_zone": "America/New_York"},
            "2017-05-10T21:40:00.000Z",
        ),
        # Occurs twice: the first is used.
        ("2017-10-29 02:30", {"time_zone": "Europe/Berlin"}, "2017-10-29T00:30:00.000Z"),
        ("2017-10-29 03:30", {"time_zone": "Europe/Berlin"}, "2017-10-29T02:30:00.000Z"),
        # Exists: with an offset it is unambiguous.
        ("2017-03-26T02:30+01:00", {"time_zone": "Europe/Berlin"}, "2017-03-26T01:30:00.000Z"),
    ],
)
def test_dates_are_sent_as_utc(text: str, mapping: dict[str, Any], sent: str) -> None:
    assert mapped({**BASE, "date": text}, **mapping)["date"] == sent


@pytest.mark.parametrize(
    ("text", "mapping", "words"),
    [
        ("2017-03-26 02:30", {"time_zone": "Europe/Berlin"}, "does not exist in Europe/Berlin"),
        ("yesterday", {}, "must be a date in ISO 8601, not 'yesterday'"),
        ("2017-02-29", {}, "must be a date"),
        (
            "10/05/2017",
            {"date_format": "%d.%m.%Y"},
            "must be a date like %d.%m.%Y, not '10/05/2017'",
        ),
        ("31.02.2017", {"date_format": "%d.%m.%Y"}, "must be a date like"),
        ("0001-01-01T00:00+14:00", {}, "out of range"),
        ("9999-12-31 23:59", {"time_zone": "America/New_York"}, "out of range"),
    ],
)
def test_invalid_dates_are_rejected(text: str, mapping: dict[str, Any], words: str) -> None:
    assert words in reason({**BASE, "date": text}, **mapping)


@given(
    st.datetimes(datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2100-01-01")),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_local_time_round_trips_or_is_rejected(local: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    try:
        timestamp = timestamp_parser("", zone)(local.isoformat(" "))
    except ValueError:
        # Does not exist: the clocks skip it.
        assert (local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)) != local
        return
    assert timestamp.utc.astimezone(zone).replace(tzinfo=None) == local
    assert timestamp.day == local.date()
    assert abs(timestamp.utc.replace(tzinfo=None) - local) <= timedelta(hours=14)
    read = datetime.fromisoformat(timestamp.rfc3339)
    assert read == timestamp.utc.replace(microsecond=local.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    ("cell", "mapping", "sent"),
    [
        ("7.25", {}, 7.25),
        ("7", {}, 7),
        ("7.0", {}, 7),
        ("7,25", {"decimal_comma": True}, 7.25),
        (7.25, {"decimal_comma": True}, 7.25),
        ("7:15", {"unit": "minutes"}, 7.25),
        ("90", {"unit": "minutes"}, 1.5),
        (20, {"unit": "minutes"}, 1200 / 3600),
    ],
)
def test_hours_are_sent_as_numbers(cell: Any, mapping: dict[str, Any], sent: float) -> None:
    hours = mapped({**BASE, "hours": cell}, **mapping)["hours"]
    assert (hours, type(hours)) == (sent, type(sent))


@pytest.mark.parametrize("cell", ["7,25", "-1", "0", "nan", "\u0667", True, [1], {"h": 1}])
def test_hours_that_are_not_a_duration_are_rejected(cell: Any) -> None:
    assert reason({**BASE, "hours": cell}).startswith("hours must be ")


def test_year_and_week_become_integers_and_strings_stay_strings() -> None:
    row = {"user_id": 7, "project": "1.50", "hours": "40", "year": "2016", "week": "24"}
    assert mapped(row) == {
        "user_id": "7",
        "project": "1.50",
        "hours": 40,
        "year": 2016,
        "week": 24,
    }
    assert reason({**row, "week": "24.5"}) == "week must be an integer, not '24.5'"


@pytest.mark.parametrize("name", ["user_id", "project", "hours"])
@pytest.mark.parametrize("value", ["", None])
def test_row_without_required_field_is_rejected(name: str, value: Any) -> None:
    assert reason({**BASE, name: value}) == f"{name} is missing or empty"


@pytest.mark.parametrize("row", [{}, {"year": 2016}, {"week": 24}])
def test_row_without_date_and_week_is_rejected(row: dict[str, Any]) -> None:
    entry = {name: value for name, value in BASE.items() if name != "date"}
    assert reason({**entry, **row}) == "date is missing or empty"


def test_reasons_use_column_names_of_external_system() -> None:
    names = {"user_id": "No", "project": "P", "hours": "H", "date": "Day"}
    row = {"No": "7", "P": "a", "H": "x", "Day": "2017-05-10"}
    assert reason(row, fields=names).startswith("H must be a duration")
    assert reason({**row, "H": "1", "Day": "x"}, fields=names).startswith("Day must be a date")
    assert reason({"P": "a", "H": "1"}, fields=names) == "No is missing or empty"


def test_row_without_mapped_external_id_is_rejected() -> None:
    names = {name: name for name in BASE}
    assert reason({**BASE, "ID": ""}, fields=names, external_id="ID") == "ID is missing or empty"


def test_unmapped_columns_are_ignored() -> None:
    names = {name: name for name in BASE}
    assert mapped({**BASE, "Remark": "x", "hour": 1}, fields=names).keys() == {*BASE, "day"}


def test_unknown_member_without_mapping_is_rejected_with_suggestion() -> None:
    assert "'user_typ' is not one of our fields (did you mean user_type?)" in reason(
        {**BASE, "user_typ": "Contractor"}
    )


@pytest.mark.parametrize(
    ("row", "last"),
    [
        ({"date": "2017-05-10"}, date(2017, 5, 10)),
        ({"date": "2017-05-10T23:30"}, date(2017, 5, 10)),
        ({"year": 2016, "week": 24}, date(2016, 6, 19)),
        ({"year": "2020", "week": "53"}, date(2021, 1, 3)),
        ({"year": 2016, "week": 53}, None),
    ],
)
def test_last_day_is_local_day_or_sunday_of_week(row: dict[str, Any], last: date | None) -> None:
    entry = {name: value for name, value in BASE.items() if name != "date"}
    mapper = RowMapper(FieldMapping(time_zone="America/New_York"))
    assert mapper.map_row({**entry, **row}).last_day == last


@pytest.mark.parametrize(
    "line",
    [
        '{"user_id":"\\ud800","project":"a","hours":1,"year":2017,"week":1}',
        f'{{"user_id":"007","project":"a","hours":{10**40},"year":2017,"week":1}}',
        '{"user_id":"007","project":"a","hours":1e999,"year":2017,"week":1}',
        '{"user_id":"007","project":"a","hours":NaN,"year":2017,"week":1}',
        f'{{"user_id":"007","project":"a","hours":1,"year":{"9" * 5000},"week":1}}',
    ],
)
def test_values_that_json_cannot_represent_are_rejected(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path, line: str
) -> None:
    good = '{"user_id":"007","project":"a","hours":1,"year":2017,"week":2}'
    (tmp_path / "a.ndjson").write_text(f"{line}\n{good}\n")
    assert run(tmp_path / "a.ndjson").code == 3
    assert [entry["week"] for entry in api.entries.values()] == [2]
