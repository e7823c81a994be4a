"""The table that a summary is, written as JSON or as CSV (RFC 4180).

What a spreadsheet would run, such as a project called ``=1+1``, is escaped in CSV as in the streams
of lists (``encore.streams.formulas``); JSON has texts as they are. Which of the two a caller wants
is read here as well.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from pydantic import BaseModel

from api.resources.timesheets.grouping import Grouping
from encore.extensions import Row, escape_formula
from encore.types import FixedDecimal

CSV: Final = b"text/csv; charset=utf-8; header=present"
JSON: Final = b"application/json"
_WEIGHT: Final = re.compile(r"[01](\.\d{0,3})?", re.ASCII)
_HOURS: Final = FixedDecimal(scale=2)


class SummaryRow(BaseModel):
    """One group: what it is grouped by, and its sums."""

    user_id: str | None = None
    project: str | None = None
    year: int | None = None
    week: int | None = None
    month: str | None = None
    approved: bool | None = None
    hours: float
    entries: int


def write_json(grouping: Grouping, rows: Sequence[Row]) -> bytes:
    """Write the table as a JSON array of objects."""
    return msgspec.json.encode(list(_groups(grouping, rows)))


def write_csv(grouping: Grouping, rows: Sequence[Row]) -> bytes:
    """Write the table as CSV with a header row."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_columns(grouping))
    writer.writerows(map(_cell, group.values()) for group in _groups(grouping, rows))
    return text.getvalue().encode()


def _columns(grouping: Grouping) -> list[str]:
    period = {None: (), "week": ("year", "week"), "month": ("month",)}[grouping.period]
    approved = ("approved",) if grouping.approved else ()
    return [*grouping.leads, *period, *approved, "hours", "entries"]


def _groups(grouping: Grouping, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Give each group with its columns, in their order; see ``summing`` for the rows."""
    columns = _columns(grouping)
    size = len(grouping.leads)
    for row in rows:
        keys, sums = list(row[:size]), row[size:]
        if grouping.period is not None:
            first_day, *sums = sums
            keys += _period(grouping.period, first_day)
        units, entries, *approved = (int(number or 0) for number in sums)
        if not approved:
            yield dict(zip(columns, (*keys, _HOURS.to_number(units), entries), strict=True))
            continue
        yes, n_yes = approved
        for flag, part, count in ((False, units - yes, entries - n_yes), (True, yes, n_yes)):
            if count:
                yield dict(zip(columns, (*keys, flag, _HOURS.to_number(part), count), strict=True))


def _period(period: str, first_day: date | str) -> tuple[int | str, ...]:
    """Name a week (its year, its number) or a month by its first day."""
    if isinstance(first_day, str):  # SQLite has no dates, but their texts.
        first_day = date.fromisoformat(first_day)
    if period == "week":
        return first_day.isocalendar()[:2]
    return (f"{first_day:%Y-%m}",)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape_formula(value) if isinstance(value, str) else value


def prefers_csv(accept: bytes) -> bool:
    """Tell whether an ``Accept`` header (RFC 9110 section 12.5.1) has CSV before JSON.

    Of equal weights that counts which was named more precisely: ``text/csv, */*`` asks for CSV.
    """
    weights: dict[str, float] = {}
    for part in accept.decode("latin-1").lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        weights[kind] = float(weight) if _WEIGHT.fullmatch(weight) else 0.0
    tabular, nested = (_preference(weights, kind) for kind in ("text/csv", "application/json"))
    return tabular[0] > 0 and tabular > nested


def _preference(weights: Mapping[str, float], kind: str) -> tuple[float, int]:
    """Give the weight of a media type by the most specific range, and how specific that is."""
    ranges = ("*/*", kind.partition("/")[0] + "/*", kind)
    named = [(weights[one], place) for place, one in enumerate(ranges) if one in weights]
    return named[-1] if named else (0.0, 0)
