"""Mapping files, and what becomes of a row by them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import ConfigurationError
from client.importing.mapping import FieldMapping, load_mapping
from client.importing.row_mapper import RowError, RowMapper
from client.importing.timestamps import timestamp_parser
from tests.client.importing.conftest import ImportRun, UploadApi

MAPPING = """
source = "tempus"
external_id = "Entry ID"
date_format = "%d.%m.%Y %H:%M"
time_zone = "Europe/Berlin"
decimal_comma = true
delimiter = ";"
encoding = "cp1252"
[fields]
user_id = "Employee No"
date = "Start"
project = "Project"
hours = "Hours"
[defaults]
project = "StoreZero"
user_type = "Contractor"
"""
EXPORT = (
    "Entry ID;Employee No;Start;Project;Hours;Remark\r\n"
    "E1;007;10.05.2017 17:40;Pão;7,25;=1+1\r\n"
    "E2;008; 31.12.2017 23:30 ;;8;\r\n"
)
BASE = {"user_id": "007", "project": "StoreZero", "hours": 5, "date": "2017-05-10"}


def test_mapped_rows_have_our_names_and_notations(
    run: ImportRun, api: UploadApi, tmp_path: Path
) -> None:
    (tmp_path / "tempus.toml").write_text(MAPPING)
    (tmp_path / "export.csv").write_bytes(EXPORT.encode("cp1252"))
    assert run(tmp_path / "export.csv", "--mapping", tmp_path / "tempus.toml").code == 0
    assert api.requests[0].rows == [
        {
            "source": "tempus",
            "external_id": "E1",
            "user_type": "Contractor",
            "user_id": "007",
            "date": "2017-05-10T15:40:00.000Z",
            "project": "Pão",
            "hours": 7.25,
        },
        {
            "source": "tempus",
            "external_id": "E2",
            "user_type": "Contractor",
            "user_id": "008",
            "date": "2017-12-31T22:30:00.000Z",
            "project": "StoreZero",
            "hours": 8,
        },
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sourse = 'a'", "'sourse' is unknown (did you mean source?)"),
        ("xyz = 'a'", "'xyz' is unknown (known are "),
        (
            "[fields]\nuser = 'a'",
            "[fields] 'user' is not one of our fields (did you mean user_id?)",
        ),
        (
            "[defaults]\nhour = 1",
            "[defaults] 'hour' is not one of our fields (did you mean hours?)",
        ),
        ("[defaults]\nexternal_id = 'a'", "would be the same for all rows"),
        ("[defaults]\nhours = true", "[defaults] hours must be a string or a number, not True"),
        ("[fields]\nhours = 1", "[fields] hours must be the name of a column"),
        ("external_id = 'a'\n[fields]\nexternal_id = 'b'", "both in [fields] and outside"),
        ("fields = 'a'", "fields must be a table"),
        ("decimal_comma = 'yes'", "decimal_comma must be true or false"),
        ("source = 1", "source must be a string"),
        (f"source = '{'a' * 101}'", "source must have at most 100 characters"),
        ("time_zone = 'Europe/Bern'", "time_zone 'Europe/Bern' is not known"),
        ("time_zone = '../etc/passwd'", "time_zone '../etc/passwd' is not known"),
        ("delimiter = ';;'", "delimiter must be one character"),
        ("encoding = 'utf-88'", "encoding 'utf-88' is unknown"),
        ("encoding = 'base64'", "encoding 'base64' is unknown"),
        ("date_format = '%d.%m.%Q'", "date_format '%d.%m.%Q' is not supported"),
        ("date_format = '%d.%m.'", "date_format '%d.%m.' must contain day, month and year"),
        ("a = ", "is not TOML"),
    ],
)
def test_invalid_mapping_is_reported_with_option_and_file(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        load_mapping(path)
    assert words in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_missing_mapping_file_exits_11(run: ImportRun) -> None:
    outcome = run("a.csv", "--mapping", "missing.toml")
    assert outcome.code == 11
    assert outcome.err == "missing.toml cannot be read: No such file or directory.\n"


def test_missing_mapped_column_exits_12_with_suggestion(
    run: ImportRun, api: UploadApi, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(MAPPING)
    (tmp_path / "a.csv").write_text(EXPORT.replace("Employee No", "Employee"))
    outcome = run(tmp_path / "a.csv", "--mapping", tmp_path / "m.toml")
    assert (outcome.code, api.requests) == (12, [])
    assert "no column 'Employee No' (did you mean Employee?)" in outcome.err


def mapped(row: dict[str, Any], **mapping: Any) -> dict[str, Any]:
    """Give the entry that a row becomes."""
    return RowMapper(FieldMapping(**mapping)).map_row(row).fields


def reason(row: dict[str, Any], **mapping: Any) -> str:
    """Give why a row is rejected."""
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
        # A day stays that day, east and west of Greenwich.
        ("2017-05-10", {"time_zone": "Europe/Berlin"}, "2017-05-10T00:00:00.000Z"),
        ("2017-05-10", {"time_zone": "America/New_York"}, "2017-05-10T00:00:00.000Z"),
        ("10.05.2017", {"date_format": "%d.%m.%Y"}, "2017-05-10T00:00:00.000Z"),
        (
            "05/10/17 05:40 PM",
            {"date_format": "%m/%d/%y %I:%M %p", "time_zone": "America/New_York"},
            "2017-05-10T21:40:00.000Z",
        ),
        # Shown twice by the clocks: the first is meant.
        ("2017-10-29 02:30", {"time_zone": "Europe/Berlin"}, "2017-10-29T00:30:00.000Z"),
        ("2017-10-29 03:30", {"time_zone": "Europe/Berlin"}, "2017-10-29T02:30:00.000Z"),
        # Not skipped: an offset says which moment is meant.
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
        # Skipped: an hour or so later the clocks show what they never showed.
        assert (local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)) != local
        return
    assert timestamp.utc.astimezone(zone).replace(tzinfo=None) == local
    assert timestamp.day == local.date()
    assert abs(timestamp.utc.replace(tzinfo=None) - local) <= timedelta(hours=14)
    read = datetime.fromisoformat(timestamp.rfc3339)
    assert read == timestamp.utc.replace(microsecond=local.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    ("text", "comma", "sent"),
    [
        ("7.25", False, 7.25),
        ("7", False, 7),
        ("7,25", True, 7.25),
        ("-1", False, -1),
        (7.25, True, 7.25),
        ("5.0", False, 5.0),
        (True, False, True),
    ],
)
def test_hours_are_sent_as_numbers(text: Any, sent: Any, *, comma: bool) -> None:
    hours = mapped({**BASE, "hours": text}, decimal_comma=comma)["hours"]
    assert (hours, type(hours)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("text", "comma", "words"),
    [
        ("7,25", False, "hours must be a number, not '7,25'"),
        ("1.234,5", True, "hours must be a number with a decimal comma"),
        ("7:30", False, "hours must be a number"),
        ("1e1", False, "hours must be a number"),
        ("nan", False, "hours must be a number"),
        ("\u0667", False, "hours must be a number"),
        ("0.10000000000000001", False, "more digits than a JSON number can represent"),
    ],
)
def test_hours_that_are_not_a_number_are_rejected(text: str, words: str, *, comma: bool) -> None:
    assert words in reason({**BASE, "hours": text}, decimal_comma=comma)


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


def test_reasons_use_column_names_of_external_system() -> None:
    names = {"user_id": "No", "project": "P", "hours": "H", "date": "Day"}
    row = {"No": "7", "P": "a", "H": "x", "Day": "2017-05-10"}
    assert reason(row, fields=names) == "H must be a number, not 'x'"
    assert reason({**row, "H": "1", "Day": "x"}, fields=names).startswith("Day must be a date")
    assert reason({"P": "a", "H": "1"}, fields=names) == "No is missing or empty"


def test_row_without_mapped_external_id_is_rejected() -> None:
    names = {name: name for name in BASE}
    assert reason({**BASE, "ID": ""}, fields=names, external_id="ID") == "ID is missing or empty"


def test_unmapped_columns_are_ignored() -> None:
    names = {name: name for name in BASE}
    assert mapped({**BASE, "Remark": "x", "hour": 1}, fields=names).keys() == BASE.keys()


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
        ({}, None),
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
    run: ImportRun, api: UploadApi, tmp_path: Path, line: str
) -> None:
    good = '{"user_id":"007","project":"a","hours":1,"year":2017,"week":2}'
    (tmp_path / "a.ndjson").write_text(f"{line}\n{good}\n")
    assert run(tmp_path / "a.ndjson").code == 3
    assert [entry["week"] for entry in api.entries.values()] == [2]


def test_mapping_with_only_external_id(run: ImportRun, api: UploadApi, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text('external_id = "ID"')
    (tmp_path / "a.csv").write_text("ID,user_id,date,project,hours\nE1,007,2017-05-10,a,5\n")
    assert run(tmp_path / "a.csv", "--mapping", tmp_path / "m.toml").code == 0
    assert list(api.entries) == [("a.csv", "E1")]


def test_header_without_required_column_exits_12(run: ImportRun, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,date,project\n007,2017-05-10,a\n")
    outcome = run(tmp_path / "a.csv")
    assert outcome.code == 12
    assert "has no column 'hours'" in outcome.err
    (tmp_path / "m.toml").write_text("[defaults]\nhours = 8")
    assert run(tmp_path / "a.csv", "--mapping", tmp_path / "m.toml").code == 0
