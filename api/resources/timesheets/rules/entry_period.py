"""When an entry counts: its ``day``, and the ISO week (``year`` and ``week``, ISO 8601) of it.

A weekly entry's day is the Thursday of its week. A dated entry's day is the contractor's local one:
the given ``day``, or else the day at the offset that ``date`` was written with, or else the day in
the time zone of the service (``TIME_ZONE``). It must be the day of the date at some offset that is
in use anywhere: with any other day, the limit of hours a day could be evaded.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from encore import ValidationErrors
from encore.types import written_offset

INVALID: Final = "Validation error"
THURSDAY: Final = 4
"""The ISO weekday that determines the year of a week (ISO 8601); Monday is 1."""

PERIOD: Final = ("date", "year", "week", "day")
"""The fields that say when, of both forms."""

ISO_WEEK: Final = ("year", "week")

LOWEST_OFFSET: Final = timedelta(hours=-12)
"""The local time of Baker Island."""

HIGHEST_OFFSET: Final = timedelta(hours=14)
"""The local time of Kiritimati."""

_OFFSETS: Final = "from -12:00 to +14:00"
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998
_IN_LAST_WEEK: Final = (12, 28)
"""28 December is always in the last ISO week of its year (ISO 8601)."""

Attributes = dict[str, Any]


class EntryPeriod:
    """Sets and validates day, year and week of entries.

    Args:
        zone: The time zone that decides the day where neither the entry nor its offset does.
    """

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone

    def complete(self, entry: Attributes, errors: ValidationErrors) -> None:
        """Set day, year and week of an entry, and collect their errors.

        Args:
            entry: The attributes; without a ``day`` (or with None) it is derived.
            errors: Collects the errors. With an error of one of these fields, nothing is set: an
                invalid value is not a missing one. Otherwise ``date`` is in UTC afterwards.
        """
        if errors.found and any(error["field"] in PERIOD for error in errors.found):
            return
        timestamp: datetime | None = entry.get("date")
        if timestamp is None:
            _complete_week(entry, errors)
            return
        utc = timestamp
        if timestamp.tzinfo is not UTC:
            utc = entry["date"] = timestamp.astimezone(UTC)
        if not _FIRST_YEAR - 1 <= utc.year <= _LAST_YEAR:
            _report_year(utc, errors)
            return
        day: date | None = entry.get("day")
        if day is None:
            is_known = timestamp is utc and self._zone is UTC
            day = utc.date() if is_known else self._find_day(timestamp, errors)
        elif day != utc.date():
            _check_day(day, utc, errors)
        if day is not None:
            _complete_day(entry, day, utc, errors)

    def _find_day(self, timestamp: datetime, errors: ValidationErrors) -> date | None:
        """Return the local day of a timestamp; None with an error if no place has its offset."""
        offset = written_offset(timestamp)
        if offset is None:
            return timestamp.astimezone(self._zone).date()
        if LOWEST_OFFSET <= offset <= HIGHEST_OFFSET:
            return timestamp.date()
        shown = timestamp.isoformat()[-len("+09:00") :]
        message = f"must have an offset {_OFFSETS} if the entry has no day, not {shown}"
        errors.add("date", INVALID, message)
        return None


def merge_change(row: Attributes, change: Mapping[str, Any]) -> Attributes:
    """Return an entry as a change would make it.

    Another ``date`` resets ``day``, and another date or a day resets ``year`` and ``week``, unless
    the change sets them too: ``EntryPeriod`` then derives them. The stored date keeps the stored
    day.

    Args:
        row: The stored entry.
        change: The attributes of the change; a date is as exact as the database stores it.
    """
    entry = {**row, **change}
    is_moved = "date" in change and change["date"] != row["date"]
    is_weekly = entry["date"] is None
    if "day" not in change and (is_moved or is_weekly):
        entry["day"] = None
    if not is_weekly and (is_moved or "day" in change):
        for name in ISO_WEEK:
            if name not in change:
                entry[name] = None
    return entry


def check_repeated_day(
    row: Attributes, change: Mapping[str, Any], errors: ValidationErrors
) -> None:
    """Reject the stored day in a replacement that moves the date to another day.

    A caller that changes the date in what a GET returned may have left the day as it was. The day
    is accepted if at some offset both dates have it.

    Args:
        row: The stored entry.
        change: The attributes of the replacement.
        errors: Collects the error.
    """
    stored, moved, day = row["date"], change.get("date"), change.get("day")
    if stored is None or moved is None or day != row["day"]:
        return
    midnight = datetime.combine(day, time(), UTC)
    earlier, later = sorted((stored, moved))
    lowest = max(midnight - earlier, LOWEST_OFFSET)
    if lowest > HIGHEST_OFFSET or lowest >= midnight + timedelta(days=1) - later:
        message = f"must be left out, or that of the new date: {day} is the day of the stored date"
        errors.add("day", INVALID, message)


def _complete_week(entry: Attributes, errors: ValidationErrors) -> None:
    year, week = entry.get("year"), entry.get("week")
    if year is None and week is None:
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
        thursday = date.fromisocalendar(year, week, THURSDAY)
        if entry.get("day") not in (None, thursday):
            which = f"the Thursday of week {week} of {year}"
            errors.add("day", INVALID, f"must be {thursday}, {which}, not {entry['day']}")
        entry["day"] = thursday


def _check_day(day: date, utc: datetime, errors: ValidationErrors) -> None:
    """Validate that a day is that of a timestamp at some offset that is in use anywhere."""
    first, last = (utc + LOWEST_OFFSET).date(), (utc + HIGHEST_OFFSET).date()
    if not first <= day <= last:
        days = f"{first} or {last}" if (last - first).days == 1 else f"from {first} to {last}"
        which = f"the day of the date at an offset {_OFFSETS}"
        errors.add("day", INVALID, f"must be {days}, {which}, not {day}")


def _complete_day(entry: Attributes, day: date, utc: datetime, errors: ValidationErrors) -> None:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        _report_year(day, errors)
        return
    year, week, _ = day.isocalendar()
    for name, value in (("year", year), ("week", week)):
        if entry.get(name) not in (None, value):
            which = "the date" if day == utc.date() else f"the day {day}"
            errors.add(name, INVALID, f"must be {value} to match {which}, not {entry[name]}")
        entry[name] = value
    entry["day"] = day


def _report_year(day: date, errors: ValidationErrors) -> None:
    limits = f"between the years {_FIRST_YEAR} and {_LAST_YEAR}"
    errors.add("date", INVALID, f"must be {limits}, not {day.year}")


def weeks_in_year(year: int) -> int:
    """Return the number of ISO weeks of a year: 52 or 53."""
    return date(year, *_IN_LAST_WEEK).isocalendar().week
