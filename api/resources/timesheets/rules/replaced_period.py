"""The period that an upload replaces: the parameter ``replace=FIRST..LAST`` and its report."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

PARAMETER: Final = "replace"
MAX_DAYS: Final = 5 * 366
"""The longest period, in days."""

_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FORM: Final = "must be two days such as 2026-10-01..2026-10-31"

DESCRIPTION: Final = (
    "The first and the last day of a period: entries of the same client and source with a day of"
    " the period that no row matches are withdrawn. Needs mode=atomic"
)
SCHEMA: Final = {
    "type": "string",
    "pattern": rf"^{_DAY}\.\.{_DAY}$",
    "examples": ["2026-03-01..2026-03-31"],
}

WITHDRAWN: Final = "withdrawn"
KEPT: Final = "kept"
WITHDRAWN_ENTRIES: Final = "withdrawn_entries"
REPORT_MEMBERS: Final[dict[str, dict[str, Any]]] = {
    WITHDRAWN: {
        "type": ["integer", "null"],
        "description": "The withdrawn entries; null if rows are rejected. Only with replace",
    },
    KEPT: {
        "type": ["integer", "null"],
        "description": (
            "The entries that no row matches, but that are approved or locked, or stored before"
            " days were local, so that their local day may be outside the period"
        ),
    },
    WITHDRAWN_ENTRIES: {
        "type": "array",
        "description": "The first 1,000 withdrawn entries by day",
        "items": {
            "type": "object",
            "properties": {
                "id": {"type": "integer"},
                "day": {"type": "string", "format": "date"},
                "user_id": {"type": "string"},
                "project": {"type": "string"},
                "hours": {"type": "number"},
            },
        },
    },
}
"""The members of the report of an upload that replaces a period."""


@dataclass(frozen=True, slots=True)
class ReplacedPeriod:
    """The days from the first to the last, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"


def parse_period(value: str) -> ReplacedPeriod:
    """Parse ``FIRST..LAST``. Raise ``ValueError`` with what it must be."""
    match = re.fullmatch(rf"({_DAY})\.\.({_DAY})", value)
    if match is None:
        raise ValueError(_FORM)
    try:
        first, last = (date.fromisoformat(day) for day in match.groups())
    except ValueError as error:
        raise ValueError(f"{_FORM}; {value} has a day that does not exist") from error
    if last < first:
        raise ValueError(f"must begin with the earlier day: {last}..{first}")
    if (last - first).days >= MAX_DAYS:
        raise ValueError(f"must be at most {MAX_DAYS} days, not {(last - first).days + 1}")
    return ReplacedPeriod(first, last)
