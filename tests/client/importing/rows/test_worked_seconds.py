"""End minus start, as instants."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.importing.rows.timestamps import timestamp_parser, worked_seconds

HOUR = 3600


def worked(start: str, end: str, *, zone: str = "", formats: str = "", same: bool = False) -> int:
    parse = timestamp_parser(formats, ZoneInfo(zone) if zone else None)
    return worked_seconds(parse(start), parse(end), same_date_column=same)


def reason(start: str, end: str, *, zone: str = "", formats: str = "", same: bool = False) -> str:
    with pytest.raises(ValueError, match=r"must|is|and|out of") as error:
        worked(start, end, zone=zone, formats=formats, same=same)
    return str(error.value)


@pytest.mark.parametrize(
    ("start", "end", "zone", "hours"),
    [
        ("2026-03-02 09:00", "2026-03-02 10:30", "Europe/Berlin", 1.5),
        ("2026-03-02 23:30", "2026-03-03 00:30", "Europe/Berlin", 1),
        ("2026-03-02 22:00", "2026-03-02 24:00", "Europe/Berlin", 2),
        ("20260302T233000Z", "20260303T003000Z", "Europe/Berlin", 1),
        ("2026-03-02T09:00+01:00", "2026-03-02T09:00Z", "", 1),
        # The clocks are put forward, and back.
        ("2026-03-29 01:30", "2026-03-29 03:30", "Europe/Berlin", 1),
        ("2026-10-25 01:30", "2026-10-25 03:30", "Europe/Berlin", 3),
        ("2026-03-08 01:30", "2026-03-08 03:30", "America/New_York", 1),
        ("2026-11-01 00:30", "2026-11-01 02:30", "America/New_York", 3),
        ("2026-10-04 01:30", "2026-10-04 03:30", "Australia/Sydney", 1),
        ("2026-04-05 01:30", "2026-04-05 03:30", "Australia/Sydney", 3),
        ("2026-03-29 01:30", "2026-03-29 03:30", "Asia/Tokyo", 2),
        ("2026-03-29 01:30", "2026-03-29 03:30", "", 2),
    ],
)
def test_hours_are_those_between_the_instants(
    start: str, end: str, zone: str, hours: float
) -> None:
    for same in (False, True):
        assert worked(start, end, zone=zone, same=same) == hours * HOUR


def test_fraction_of_a_second_is_rounded_half_up() -> None:
    assert worked("2026-03-02 09:00:00.2", "2026-03-02 09:00:01.7") == 2
    assert "must be after the start" in reason("2026-03-02 09:00", "2026-03-02 09:00:00.4")


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-02", "", 8),
        ("2026-03-28", "Europe/Berlin", 7),
        ("2026-10-24", "Europe/Berlin", 9),
        ("2026-03-07", "America/New_York", 7),
        ("2026-10-31", "America/New_York", 9),
    ],
)
def test_two_times_of_one_date_pass_midnight(day: str, zone: str, hours: int) -> None:
    assert worked(f"{day} 22:00", f"{day} 06:00", zone=zone, same=True) == hours * HOUR
    assert "must be after the start" in reason(f"{day} 22:00", f"{day} 06:00", zone=zone)


def test_equal_times_are_rejected() -> None:
    for same in (False, True):
        words = reason("2026-03-02 09:00", "2026-03-02 09:00", same=same)
        assert words == "must be after the start (2026-03-02 09:00:00), not 2026-03-02 09:00:00"


def test_end_of_the_next_day_that_does_not_exist_is_rejected() -> None:
    words = reason("2026-03-28 22:00", "2026-03-28 02:30", zone="Europe/Berlin", same=True)
    assert words == "2026-03-29 02:30:00 does not exist in Europe/Berlin: its clocks skip it"


def test_end_before_the_start_that_is_more_than_a_day_later_is_rejected() -> None:
    # The second 02:10 of that night, or of the next: nobody can tell.
    words = reason("2026-10-25 02:30", "2026-10-25 02:10", zone="Europe/Berlin", same=True)
    assert words == "is 2026-10-25 02:10:00, more than 24 hours after 2026-10-25 02:30:00"


def test_more_than_a_week_is_rejected() -> None:
    assert "more than 168 hours after" in reason("2026-03-02 09:00", "2026-03-09 09:01")


def test_last_day_of_the_calendar_is_rejected() -> None:
    assert "out of range" in reason("9999-12-31 09:00", "9999-12-31 08:00", same=True)


def test_date_without_time_is_rejected() -> None:
    for start, end in [("2026-03-02", "2026-03-02 09:00"), ("2026-03-02 09:00", "2026-03-03")]:
        assert reason(start, end).startswith("and the start must have a time of day")


def test_whole_serial_day_is_midnight() -> None:
    assert worked("46083.75", "46084", zone="Europe/Berlin", formats="excel") == 6 * HOUR
    assert worked("46084", "46084.25", zone="Europe/Berlin", formats="excel") == 6 * HOUR


@given(
    start=st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001 - UTC below.
    seconds=st.integers(1, 168 * HOUR),
    zone=st.sampled_from(("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney")),
)
def test_instants_in_any_zone_give_the_seconds_between_them(
    start: datetime, seconds: int, zone: str
) -> None:
    begin = start.replace(tzinfo=UTC, microsecond=0)
    end = begin + timedelta(seconds=seconds)
    local = begin.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    assert worked(local[0].isoformat(), local[1].isoformat(), zone=zone) == seconds
    assert worked(f"{begin.timestamp()}", f"{end.timestamp()}", formats="unix") == seconds
    if not local[0].fold and not local[1].fold:
        naive = [time.replace(tzinfo=None).isoformat(" ") for time in local]
        assert worked(naive[0], naive[1], zone=zone) == seconds
