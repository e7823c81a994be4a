"""The rules that one entry must keep by itself; what it adds up to with others is ``limits``.

An entry is dated (``date``) or weekly (``year`` and ``week``, ISO 8601). Either form settles the
other's fields: ``year``, ``week`` and ``day`` are always known afterwards.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from encore import ValidationErrors

INVALID: Final = "Validation error"
HOURS_PER_DAY: Final = Decimal(24)
HOURS_PER_WEEK: Final = Decimal(168)
THURSDAY: Final = 4
"""The day that decides to which year a week belongs (ISO 8601), counted from Monday as 1."""

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998
_LAST_WEEK_HOLDS: Final = (12, 28)
"""The 28th of December is always in the last week of its year (ISO 8601)."""

_PERIOD: Final = ("date", "year", "week")
"""The fields that say when: either form's."""

Attributes = dict[str, Any]


class EntryRules:
    """Completes and judges one entry.

    Args:
        hours_per_day: The most that a dated entry may hold, and a person's day, in hours.
    """

    def __init__(self, hours_per_day: Decimal = HOURS_PER_DAY) -> None:
        self.hours_per_day = hours_per_day

    def apply(self, entry: Attributes, errors: ValidationErrors) -> None:
        """Settle year, week and day, and note every breach.

        Args:
            entry: What is known of it; what is missing and required is noted by the engine.
            errors: Collects field, value and limit of each breach.
        """
        _settle_period(entry, errors)
        self._check_hours(entry, errors)
        for name in ("user_id", "project", "source", "external_id"):
            value = entry.get(name)
            if value is not None and not value.strip():
                errors.add(name, INVALID, "must not be empty")
        if (entry.get("source") is None) != (entry.get("external_id") is None):
            missing = "source" if entry.get("source") is None else "external_id"
            errors.add(missing, INVALID, "is missing: source and external_id go together")

    def _check_hours(self, entry: Attributes, errors: ValidationErrors) -> None:
        hours = entry.get("hours")
        if hours is None:
            return
        if hours <= 0:
            errors.add("hours", INVALID, f"must be more than 0, not {hours}")
        elif entry.get("date") is None:
            if hours > HOURS_PER_WEEK:
                errors.add(
                    "hours", INVALID, f"must be at most {HOURS_PER_WEEK} a week, not {hours}"
                )
        elif hours > self.hours_per_day:
            errors.add("hours", INVALID, f"must be at most {self.hours_per_day} a day, not {hours}")


def merged(row: Attributes, change: Mapping[str, Any]) -> Attributes:
    """Give an entry as a change would make it.

    A change to the other form drops what only the old one had: a new date settles year and week
    anew unless the change names them too.
    """
    entry = {**row, **change}
    if change.get("date") is not None:
        for name in ("year", "week"):
            if name not in change:
                entry[name] = None
    return entry


def _settle_period(entry: Attributes, errors: ValidationErrors) -> None:
    if errors.found and any(error["field"] in _PERIOD for error in errors.found):
        return  # What could not be read is not missing.
    moment: datetime | None = entry.get("date")
    year, week = entry.get("year"), entry.get("week")
    if moment is not None:
        _settle_by_date(entry, moment.astimezone(UTC).date(), errors)
    elif year is None and week is None:
        errors.add("date", INVALID, "is missing: give date, or year and week")
    elif year is None or week is None:
        errors.add("week" if week is None else "year", INVALID, "is missing: a week needs both")
    elif not _FIRST_YEAR <= year <= _LAST_YEAR:
        errors.add("year", INVALID, f"must be between {_FIRST_YEAR} and {_LAST_YEAR}, not {year}")
    elif not 1 <= week <= weeks_of(year):
        last = weeks_of(year)
        errors.add("week", INVALID, f"must be between 1 and {last} in {year}, not {week}")
    else:
        entry["day"] = date.fromisocalendar(year, week, THURSDAY)


def _settle_by_date(entry: Attributes, day: date, errors: ValidationErrors) -> None:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        limits = f"between the years {_FIRST_YEAR} and {_LAST_YEAR}"
        errors.add("date", INVALID, f"must be {limits}, not {day.year}")
        return
    found = day.isocalendar()
    for name, value in (("year", found.year), ("week", found.week)):
        if entry.get(name) not in (None, value):
            text = f"must be {value}, as the date says, not {entry[name]}"
            errors.add(name, INVALID, text)
        entry[name] = value
    entry["day"] = day


def weeks_of(year: int) -> int:
    """Give how many ISO weeks a year has: 52 or 53."""
    return date(year, *_LAST_WEEK_HOLDS).isocalendar().week
