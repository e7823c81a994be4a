"""Rules of timesheet entries: days, weeks, and hours from start and end."""

import json
from typing import Any

import pytest

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.records import Record
from client.importing.rows.row_results import RowProcessor, RowResult

WHO = {"user_id": "Who", "project": "Project"}
CELLS = {"Who": "ada", "Project": "Apollo"}


def process(cells: dict[str, Any], fields: dict[str, str], **mapping: Any) -> RowResult:
    row = {**CELLS, **cells}
    processor = RowProcessor(
        FieldMapping(fields={**WHO, **fields}, **mapping), "tracker", None, tuple(row)
    )
    return processor.process(Record(1, row, ""))


def entry(cells: dict[str, Any], fields: dict[str, str], **mapping: Any) -> dict[str, Any]:
    result = process(cells, fields, **mapping)
    assert not result.reason
    sent: dict[str, Any] = json.loads(result.entry)
    return sent


@pytest.mark.parametrize(
    ("start", "end", "zone", "hours"),
    [
        ("2026-03-02T08:00Z", "2026-03-02T09:30Z", "", 1.5),
        ("2026-03-02T23:00", "2026-03-03T01:00", "", 2),
        ("2026-03-02T08:00:00", "2026-03-02T08:20:00", "", 1200 / 3600),
        ("2026-03-02T08:00+01:00", "2026-03-02T08:00Z", "", 1),
        # The clocks are changed between them.
        ("2026-03-29T01:30", "2026-03-29T03:30", "Europe/Berlin", 1),
        ("2026-10-25T01:30", "2026-10-25T03:30", "Europe/Berlin", 3),
        ("2026-03-08T01:30", "2026-03-08T03:30", "America/New_York", 1),
        ("2026-10-04T01:30", "2026-10-04T03:30", "Australia/Sydney", 1),
    ],
)
def test_hours_are_end_minus_start_as_instants(
    start: str, end: str, zone: str, hours: float
) -> None:
    cells = {"Start": start, "End": end}
    sent = entry(cells, {"date": "Start", "end": "End"}, time_zone=zone)
    assert sent["hours"] == pytest.approx(hours, abs=1e-9)
    assert round(sent["hours"] * 3600) == round(hours * 3600)
    assert "end" not in sent


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("22:00", "06:00", 8),
        ("22:00:30", "22:00:31", 1 / 3600),
        ("11:15 PM", "12:15 AM", 1),
        ("23.30", "0.15", 0.75),
        ("2330", "0015", 0.75),
    ],
)
def test_times_of_one_date_column_may_pass_midnight(start: str, end: str, hours: float) -> None:
    forms = (
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %I:%M %p",
        "%Y-%m-%d %H.%M",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H%M",
    )
    sent = entry(
        {"Date": "2026-03-02", "In": start, "Out": end},
        {"date": "{Date} {In}", "end": "{Date} {Out}"},
        date_format=forms,
    )
    assert sent["hours"] == pytest.approx(hours, abs=1e-9)
    assert sent["day"] == "2026-03-02"


@pytest.mark.parametrize(
    ("cells", "fields"),
    [
        # Each has its own date.
        (
            {"D": "2026-03-02", "In": "22:00", "E": "2026-03-02", "Out": "06:00"},
            {"date": "{D} {In}", "end": "{E} {Out}"},
        ),
        ({"In": "2026-03-02T22:00", "Out": "2026-03-02T06:00"}, {"date": "In", "end": "Out"}),
        # What they have in common is not the date.
        (
            {"In": "2026-03-02T22:00", "Out": "2026-03-02T06:00", "Zone": "+01:00"},
            {"date": "{In}{Zone}", "end": "{Out}{Zone}"},
        ),
    ],
)
def test_end_before_the_start_with_a_date_of_its_own_is_rejected(
    cells: dict[str, str], fields: dict[str, str]
) -> None:
    result = process(cells, fields)
    assert result.reason.startswith(f"{fields['end']} must be after the start")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"Start": "2026-03-02T08:00", "End": ""}, "End is missing or empty"),
        ({"Start": "2026-03-02", "End": "2026-03-02T08:00"}, "End and the start must have a time"),
        ({"Start": "2026-03-02T08:00", "End": "17:00"}, "End must be a date"),
        ({"Start": "2026-03-02T08:00", "End": "2026-03-12T08:00"}, "more than 168 hours after"),
        ({"Start": "", "End": "2026-03-02T08:00"}, "Start is missing or empty"),
    ],
)
def test_hours_that_cannot_be_computed_are_rejected(cells: dict[str, str], words: str) -> None:
    assert words in process(cells, {"date": "Start", "end": "End"}).reason


def test_mapped_day_overrides_the_day_of_the_instant() -> None:
    cells = {"Start": "2026-03-01T23:30Z", "Date": "02.03.2026", "Hours": "1"}
    fields = {"date": "Start", "day": "Date", "hours": "Hours"}
    sent = entry(cells, fields, date_format=("", "%d.%m.%Y"))
    assert (sent["date"], sent["day"]) == ("2026-03-01T23:30:00.000Z", "2026-03-02")


def test_day_with_a_time_of_day_is_rejected() -> None:
    cells = {"Date": "2026-03-02T08:00", "Hours": "1"}
    reason = process(cells, {"day": "Date", "hours": "Hours"}).reason
    assert reason == "Date must be a date without a time of day, not '2026-03-02T08:00'"


def test_day_alone_is_the_date() -> None:
    sent = entry({"Date": "2026-03-02", "Hours": "1"}, {"day": "Date", "hours": "Hours"})
    assert (sent["date"], sent["day"]) == ("2026-03-02T00:00:00.000Z", "2026-03-02")


def test_weekly_entry_has_no_day() -> None:
    fields = {"year": "Y", "week": "W", "hours": "Hours"}
    sent = entry({"Y": "2026", "W": "10", "Hours": "38:30"}, fields)
    assert (sent["year"], sent["week"], sent["hours"]) == (2026, 10, 38.5)
    assert sent.keys().isdisjoint({"date", "day"})


@pytest.mark.parametrize("seconds", [1, 20 * 60, 59, 3599, 3600, 3601, 86_399, 604_800])
def test_hours_are_sent_with_enough_digits_for_the_second(seconds: int) -> None:
    fields = {"date": "Day", "hours": "Seconds"}
    sent = entry({"Day": "2026-03-02", "Seconds": str(seconds)}, fields, unit="seconds")
    assert round(sent["hours"] * 3600) == seconds
    assert abs(sent["hours"] * 3600 - seconds) < 1e-6
