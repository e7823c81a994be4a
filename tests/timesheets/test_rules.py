"""Validation of one entry, property-based: its period and its hours."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from api.resources.timesheets.rules.entry_period import merge_change, weeks_in_year
from api.resources.timesheets.rules.entry_validator import EntryValidator
from encore import ValidationErrors
from encore.errors import ValidationFailed
from encore.types import DurationHours

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
