"""Sums of hours by person and month, exact to the second, to compare with a tracker's report."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from client.importing.preview.text_table import format_table, shorten

MAX_PERSONS: Final = 20
"""Persons that are listed, those with the most hours."""

MAX_GROUPS: Final = 100_000
"""Persons and months that are kept apart, so that memory is bounded."""

_THURSDAY: Final = 4
_SECONDS_AN_HOUR: Final = 3600
_OTHERS: Final = "(others)"
_MAX_NAME: Final = 32
_HEADER: Final = ("user_id", "month", "rows", "hours", "h:mm:ss")


class HoursByMonth:
    """Sums the hours of entries."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, entry: Mapping[str, Any]) -> None:
        """Add an entry's hours, to the month of its local day or of the Thursday of its week."""
        hours = entry.get("hours")
        if isinstance(hours, bool) or not isinstance(hours, int | float):
            return
        key = (str(entry.get("user_id", "")), month_of(entry))
        if key not in self._sums and len(self._sums) >= MAX_GROUPS:
            key = (_OTHERS, "")
        rows, seconds = self._sums.get(key, (0, 0))
        self._sums[key] = (rows + 1, seconds + round(hours * _SECONDS_AN_HOUR))

    def format(self) -> list[str]:
        """Return the lines of the table; none without entries."""
        if not self._sums:
            return []
        persons = _sums_of(self._sums, 0)
        listed = sorted(persons, key=lambda name: (-persons[name][1], name))[:MAX_PERSONS]
        rows = [
            (shorten(name, _MAX_NAME), *_figures(month, self._sums[name, month]))
            for name, month in sorted(self._sums)
            if name in listed
        ]
        if hidden := [persons[name] for name in persons if name not in listed]:
            label = f"({len(hidden)} more)"
            rows.append((label, *_figures("", _total(hidden))))
        months = _sums_of(self._sums, 1)
        if len(months) > 1 and len(persons) > 1:
            rows += [("all", *_figures(month, months[month])) for month in sorted(months)]
        rows.append(("total", *_figures("", _total(persons.values()))))
        return format_table(_HEADER, rows, right=(2, 3, 4))


def month_of(entry: Mapping[str, Any]) -> str:
    """Return the month of an entry, such as ``2017-05``; empty if it has neither day nor week."""
    day = entry.get("day") or entry.get("date")
    if isinstance(day, str):
        return day[:7]
    try:
        thursday = date.fromisocalendar(entry["year"], entry["week"], _THURSDAY)
    except (KeyError, TypeError, ValueError):
        return ""
    return thursday.isoformat()[:7]


def format_hours(seconds: int) -> str:
    """Return hours with two decimals, or with four if two are not exact enough."""
    hours = Decimal(seconds) / _SECONDS_AN_HOUR
    rounded = hours.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    whole, decimals = f"{rounded:f}".split(".")
    return f"{whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def format_clock(seconds: int) -> str:
    """Return hours, minutes and seconds: ``160:00:00``."""
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


def _figures(month: str, figures: tuple[int, int]) -> tuple[str, str, str, str]:
    rows, seconds = figures
    return month, str(rows), format_hours(seconds), format_clock(seconds)


def _sums_of(
    sums: Mapping[tuple[str, str], tuple[int, int]], position: int
) -> dict[str, tuple[int, int]]:
    """Return the sums by person (0) or by month (1)."""
    totals: dict[str, tuple[int, int]] = {}
    for key, figures in sums.items():
        name = key[position]
        totals[name] = _total([totals.get(name, (0, 0)), figures])
    return totals


def _total(figures: Any) -> tuple[int, int]:
    pairs = list(figures)
    return sum(rows for rows, _ in pairs), sum(seconds for _, seconds in pairs)
