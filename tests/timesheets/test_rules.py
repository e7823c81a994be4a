"""Validation of one entry, property-based: its period and its hours."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.resources.timesheets.rules.entry_period import (
    check_repeated_day,
    merge_change,
    weeks_in_year,
)
from api.resources.timesheets.rules.entry_validator import EntryValidator
from api.resources.timesheets.settings import TimesheetSettings
from encore import ValidationErrors
from encore.errors import ValidationFailed
from encore.settings import SettingsError
from encore.types import DurationHours, parse_offset_datetime

PLACES = sorted(name for name in available_timezones() if "/" in name)
INSTANTS = st.datetimes(datetime(1970, 1, 3), datetime(2100, 1, 1))  # noqa: DTZ001 - in UTC
VALIDATOR = EntryValidator(Decimal(10))
YEARS = st.integers(1970, 9998)
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMESTAMPS = st.datetimes(datetime(1971, 1, 1), datetime(9997, 12, 31), timezones=ZONES)  # noqa: DTZ001 - the zones are drawn
HOURS = st.integers(-400_000, 800_000).map(DurationHours.from_seconds)


def validate(entry: dict[str, Any]) -> dict[str, str]:
    """Validate an entry; return the message of each invalid field."""
    errors = ValidationErrors()
    VALIDATOR.validate(entry, errors)
    try:
        errors.check()
    except ValidationFailed as failed:
        return {str(error["field"]): str(error["message"]) for error in failed.errors}  # type: ignore[index] # all are errors of fields
    return {}


@given(YEARS, st.integers(-10, 99))
@example(2020, 53)
@example(2021, 53)
@example(2026, 53)
def test_week_of_its_year_is_valid_and_counts_by_its_thursday(year: int, week: int) -> None:
    entry: dict[str, Any] = {"year": year, "week": week}
    messages = validate(entry)
    last = date(year, 12, 28).isocalendar().week
    if 1 <= week <= last:
        assert not messages
        assert entry["day"].isocalendar() == (year, week, 4)
    else:
        assert messages == {"week": f"week must be between 1 and {last} in {year}, not {week}"}


@given(YEARS)
def test_year_that_begins_or_ends_on_thursday_has_53_weeks(year: int) -> None:
    begins, ends = date(year, 1, 1).isoweekday(), date(year, 12, 31).isoweekday()
    assert weeks_in_year(year) == (53 if 4 in (begins, ends) else 52)


@given(TIMESTAMPS)
@example(datetime(2021, 1, 3, 23, 59, tzinfo=UTC))
@example(datetime(2021, 1, 4, 0, 30, tzinfo=timezone(timedelta(hours=1))))
@example(datetime(2020, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-1))))
def test_date_sets_day_and_week_at_its_offset(timestamp: datetime) -> None:
    entry: dict[str, Any] = {"date": timestamp}
    assert not validate(entry)
    assert entry["day"] == timestamp.date()
    assert (entry["year"], entry["week"]) == entry["day"].isocalendar()[:2]


@given(TIMESTAMPS, st.integers(1, 53))
def test_week_that_differs_from_date_is_invalid(timestamp: datetime, week: int) -> None:
    day, iso = timestamp.date(), timestamp.isocalendar()
    messages = validate({"date": timestamp, "year": iso.year, "week": week})
    if week == iso.week:
        assert not messages
    else:
        which = "the date" if day == timestamp.astimezone(UTC).date() else f"the day {day}"
        assert messages == {"week": f"week must be {iso.week} to match {which}, not {week}"}


@given(HOURS, st.booleans())
def test_hours_outside_limits_are_invalid(hours: Decimal, dated: bool) -> None:  # noqa: FBT001 - drawn
    when: dict[str, Any] = {"date": datetime(2017, 5, 10, tzinfo=UTC)}
    if not dated:
        when = {"year": 2017, "week": 19}
    limit, period = (10, "day") if dated else (168, "week")
    messages = validate({**when, "hours": hours})
    if hours <= 0:
        rounded = "" if hours else " (hours are rounded to the second)"
        assert messages == {"hours": f"hours must be more than 0, not {hours}{rounded}"}
    elif hours > limit:
        assert messages == {"hours": f"hours must be at most {limit} a {period}, not {hours}"}
    else:
        assert not messages


@given(TIMESTAMPS, TIMESTAMPS)
def test_new_date_recomputes_week(before: datetime, after: datetime) -> None:
    entry: dict[str, Any] = {"date": before}
    VALIDATOR.validate(entry, ValidationErrors())
    changed = merge_change(entry, {"date": after})
    assert not validate(changed)
    day = before.date() if before == after else after.date()
    assert (changed["day"], changed["year"], changed["week"]) == (day, *day.isocalendar()[:2])


@given(st.sampled_from(PLACES), INSTANTS)
@example("Africa/Monrovia", datetime(1970, 6, 1, 0, 30))  # noqa: DTZ001 - offset -00:44:30
@example("Europe/Berlin", datetime(2026, 3, 28, 23, 30))  # noqa: DTZ001 - in UTC
@example("Europe/Berlin", datetime(2026, 10, 24, 22, 30))  # noqa: DTZ001 - as above
@example("America/New_York", datetime(2026, 3, 8, 4, 59))  # noqa: DTZ001 - as above
def test_time_zone_decides_the_day_of_a_date_in_utc(place: str, instant: datetime) -> None:
    local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(place))
    validator = EntryValidator(Decimal(24), ZoneInfo(place))
    entry: dict[str, Any] = {"date": parse_offset_datetime(f"{instant.isoformat()}Z")}
    errors = ValidationErrors()
    validator.validate(entry, errors)
    assert not errors.found
    assert entry["day"] == local.date()
    assert (entry["year"], entry["week"]) == local.isocalendar()[:2]
    given_day = {"date": instant.replace(tzinfo=UTC), "day": local.date()}
    assert not validate(given_day)
    assert given_day == {name: entry[name] for name in given_day} | {
        name: entry[name] for name in ("year", "week")
    }


@given(TIMESTAMPS, st.integers(-3, 3))
def test_day_is_valid_if_some_offset_has_it(timestamp: datetime, shift: int) -> None:
    day = timestamp.date() + timedelta(days=shift)
    offsets = (timedelta(minutes=minutes) for minutes in range(-12 * 60, 14 * 60 + 1))
    utc = timestamp.astimezone(UTC)
    is_valid = any((utc + offset).date() == day for offset in offsets)
    messages = validate({"date": timestamp, "day": day})
    assert set(messages) == (set() if is_valid else {"day"})


@given(TIMESTAMPS, st.integers(-50 * 60, 50 * 60), st.integers(-12 * 60, 14 * 60))
def test_repeated_day_is_valid_if_both_dates_have_it_at_one_offset(
    timestamp: datetime, minutes: int, offset: int
) -> None:
    stored = timestamp.astimezone(UTC)
    moved = stored + timedelta(minutes=minutes)
    day = (stored + timedelta(minutes=offset)).date()
    offsets = (timedelta(minutes=n) for n in range(-12 * 60, 14 * 60 + 1))
    is_valid = any((stored + o).date() == day == (moved + o).date() for o in offsets)
    errors = ValidationErrors()
    check_repeated_day({"date": stored, "day": day}, {"date": moved, "day": day}, errors)
    assert bool(errors.found) is not is_valid


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("Europe/Berln", "; did you mean Europe/Berlin?"),
        ("europe/berlin", "; did you mean Europe/Berlin?"),
        ("+09:00", ""),
        ("localtime", ""),
        ("../etc/passwd", ""),
        ("", ""),
        ("Europe", ""),
    ],
)
def test_unknown_time_zone_is_rejected(value: str, hint: str) -> None:
    with pytest.raises(SettingsError) as rejected:
        TimesheetSettings.parse({"ISSUER": "https://a.example", "TIME_ZONE": value})
    message = "TIME_ZONE: must be the IANA name of a time zone such as Europe/Berlin"
    assert str(rejected.value) == message + hint


@pytest.mark.parametrize("value", ["UTC", "Etc/UTC", "Asia/Tokyo", " America/New_York "])
def test_time_zone_is_a_setting(value: str) -> None:
    parsed = TimesheetSettings.parse({"ISSUER": "https://a.example", "TIME_ZONE": value})
    assert parsed.time_zone == value.strip()
    assert datetime(2026, 1, 1, tzinfo=parsed.zone).utcoffset() is not None
    assert TimesheetSettings.parse({"ISSUER": "https://a.example"}).zone is UTC
