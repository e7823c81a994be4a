"""The rules for one entry by itself; ``hour_limits`` has those for a person's entries together.

An entry is dated (``date``) or weekly (``year`` and ``week``, ISO 8601). Validation sets ``year``,
``week`` and ``day`` in both cases.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from encore import ValidationErrors
from encore.extensions import validate_name

INVALID: Final = "Validation error"
HOURS_PER_DAY: Final = Decimal(24)
HOURS_PER_WEEK: Final = Decimal(168)
THURSDAY: Final = 4
"""The ISO weekday that determines the year of a week (ISO 8601); Monday is 1."""

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998
_IN_LAST_WEEK: Final = (12, 28)
"""28 December is always in the last ISO week of its year (ISO 8601)."""

_PERIOD: Final = ("date", "year", "week")
"""The fields that say when, of both forms."""

Attributes = dict[str, Any]


class EntryValidator:
    """Completes and validates one entry.

    Args:
        hours_per_day: The limit of a dated entry, in hours.
    """

    def __init__(self, hours_per_day: Decimal = HOURS_PER_DAY) -> None:
        self.hours_per_day = hours_per_day

    def validate(
        self, entry: Attributes, errors: ValidationErrors, stored_name: str | None = None
    ) -> None:
        """Set year, week and day of an entry, and collect its errors.

        Args:
            entry: The attributes; other missing required fields are reported by the library.
            errors: Collects field, value and limit of each error.
            stored_name: The ``user_id`` that the entry has already, which is not validated.
        """
        _set_period(entry, errors)
        self._check_hours(entry, errors)
        _check_name(entry.get("user_id"), stored_name, errors)
        for name in ("user_id", "project", "source", "external_id"):
            value = entry.get(name)
            if value is not None and not value.strip():
                errors.add(name, INVALID, "must not be empty")
        if (entry.get("source") is None) != (entry.get("external_id") is None):
            missing, present = "source", "external_id"
            if entry.get("external_id") is None:
                missing, present = present, missing
            errors.add(missing, INVALID, f"is required with {present}")

    def _check_hours(self, entry: Attributes, errors: ValidationErrors) -> None:
        hours = entry.get("hours")
        if hours is None:
            return
        if hours <= 0:
            rounded = "" if hours else " (hours are rounded to the second)"
            errors.add("hours", INVALID, f"must be more than 0, not {hours}{rounded}")
        elif entry.get("date") is None:
            if hours > HOURS_PER_WEEK:
                errors.add(
                    "hours", INVALID, f"must be at most {HOURS_PER_WEEK} a week, not {hours}"
                )
        elif hours > self.hours_per_day:
            errors.add("hours", INVALID, f"must be at most {self.hours_per_day} a day, not {hours}")


def _check_name(name: str | None, stored_name: str | None, errors: ValidationErrors) -> None:
    if name is None or name == stored_name or not name.strip():
        return
    message = validate_name(name)
    if message is not None:
        errors.add("user_id", INVALID, message)


def merge_change(row: Attributes, change: Mapping[str, Any]) -> Attributes:
    """Return an entry as a change would make it.

    A new date resets year and week unless the change sets them too, so that they are computed from
    the date.
    """
    entry = {**row, **change}
    if change.get("date") is not None:
        for name in ("year", "week"):
            if name not in change:
                entry[name] = None
    return entry


def _set_period(entry: Attributes, errors: ValidationErrors) -> None:
    if errors.found and any(error["field"] in _PERIOD for error in errors.found):
        return  # An invalid value is not a missing one.
    timestamp: datetime | None = entry.get("date")
    year, week = entry.get("year"), entry.get("week")
    if timestamp is not None:
        _set_period_of_day(entry, timestamp.astimezone(UTC).date(), errors)
    elif year is None and week is None:
        errors.add("date", INVALID, "is required, or year and week")
    elif week is None:
        errors.add("week", INVALID, "is required with year")
    elif year is None:
        errors.add("year", INVALID, "is required with week")
    elif not _FIRST_YEAR <= year <= _LAST_YEAR:
        errors.add("year", INVALID, f"must be between {_FIRST_YEAR} and {_LAST_YEAR}, not {year}")
    elif not 1 <= week <= weeks_in_year(year):
        last = weeks_in_year(year)
        errors.add("week", INVALID, f"must be between 1 and {last} in {year}, not {week}")
    else:
        entry["day"] = date.fromisocalendar(year, week, THURSDAY)


def _set_period_of_day(entry: Attributes, day: date, errors: ValidationErrors) -> None:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        limits = f"between the years {_FIRST_YEAR} and {_LAST_YEAR}"
        errors.add("date", INVALID, f"must be {limits}, not {day.year}")
        return
    iso = day.isocalendar()
    for name, value in (("year", iso.year), ("week", iso.week)):
        if entry.get(name) not in (None, value):
            errors.add(name, INVALID, f"must be {value} to match the date, not {entry[name]}")
        entry[name] = value
    entry["day"] = day


def weeks_in_year(year: int) -> int:
    """Return the number of ISO weeks of a year: 52 or 53."""
    return date(year, *_IN_LAST_WEEK).isocalendar().week
