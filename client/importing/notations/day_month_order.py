"""The order of day and month in a date format: the same format with both exchanged."""

import re
from datetime import date
from functools import lru_cache
from typing import Final

from client.importing.notations.date_formats import DateFormat

_SHORT_FORMS: Final = {"%D": "%m/%d/%y", "%x": "%m/%d/%y"}
_CODE: Final = re.compile(r"%[-#]?(.)", re.DOTALL)
_DAYS: Final = frozenset("de")
_YEARS: Final = frozenset("Yy")


@lru_cache(maxsize=64)
def exchange_day_and_month(format_: str) -> str:
    """Return a date format with day and month exchanged; empty if that is no common one.

    Args:
        format_: In the syntax of ``strptime``. Formats with the name of a month, and those that
            begin with the year, are written in one order only.
    """
    for short, expanded in _SHORT_FORMS.items():
        format_ = format_.replace(short, expanded)
    codes = [match[1] for match in _CODE.finditer(format_)]
    order = "".join("d" if c in _DAYS else "y" if c in _YEARS else c for c in codes)
    order = re.sub("[^dmy]", "", order)
    if sorted(order) != ["d", "m", "y"] or order[0] == "y":
        return ""
    day, month = (next(m for m in _CODE.finditer(format_) if m[1] in c) for c in (_DAYS, {"m"}))
    first, second = sorted((day, month), key=lambda match: match.start())
    between = format_[first.end() : second.start()]
    return f"{format_[: first.start()]}{second[0]}{between}{first[0]}{format_[second.end() :]}"


@lru_cache(maxsize=64)
def _compile(format_: str) -> DateFormat:
    return DateFormat(format_)


def parse_day(text: str, format_: str) -> date | None:
    """Return the day of a text, before any time zone is applied; None if it has another format."""
    try:
        parsed = _compile(format_).parse(" ".join(text.split()))
    except ValueError:
        return None
    return parsed.local.date() if parsed else None
