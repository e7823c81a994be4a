"""The days of entries, and the period from the first to the last of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

_THURSDAY: Final = 4


class Period(NamedTuple):
    """The days from the first to the last, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"


def day_of(entry: Mapping[str, Any]) -> date | None:
    """Return the day that an entry counts for; the Thursday of a weekly one; None without either.

    Args:
        entry: In the API's names and notations.
    """
    try:
        day = entry.get("day") or entry.get("date")
        if day is not None:
            return date.fromisoformat(day[:10])
        return date.fromisocalendar(entry["year"], entry["week"], _THURSDAY)
    except (KeyError, TypeError, ValueError):
        return None
