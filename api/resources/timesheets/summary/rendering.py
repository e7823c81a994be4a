"""Rendering a summary as JSON or CSV (RFC 4180), and choosing between the two.

CSV escapes what a spreadsheet would execute, such as a project named ``=1+1``, like the streams of
lists (``encore.streams.formulas``); JSON strings are not changed.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from pydantic import BaseModel, ConfigDict

from api.resources.timesheets.summary.grouping import Grouping
from encore.extensions import Row, escape_formula
from encore.types import DurationHours

_to_number: Final = DurationHours.to_number

CSV: Final = b"text/csv; charset=utf-8; header=present"
JSON: Final = b"application/json"
_QVALUE: Final = re.compile(r"[01](\.\d{0,3})?", re.ASCII)


class SummaryRow(BaseModel):
    """One group: the values that it is grouped by, and its sums."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": "ada", "hours": 7.5, "entries": 1}]}
    )

    user_id: str | None = None
    project: str | None = None
    year: int | None = None
    week: int | None = None
    month: str | None = None
    approved: bool | None = None
    hours: float
    entries: int


def render_json(grouping: Grouping, rows: Sequence[Row]) -> bytes:
    """Return the summary as a JSON array of objects."""
    return msgspec.json.encode(list(_groups(grouping, rows)))


def render_csv(grouping: Grouping, rows: Sequence[Row]) -> bytes:
    """Return the summary as CSV with a header row, in UTF-8."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(_columns(grouping))
    writer.writerows(map(_cell, group.values()) for group in _groups(grouping, rows))
    return buffer.getvalue().encode()


def _columns(grouping: Grouping) -> list[str]:
    period = {None: (), "week": ("year", "week"), "month": ("month",)}[grouping.period]
    approved = ("approved",) if grouping.approved else ()
    return [*grouping.group_columns, *period, *approved, "hours", "entries"]


def _groups(grouping: Grouping, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield each group by column name, in order; ``summary_statement`` describes the rows."""
    columns = _columns(grouping)
    size = len(grouping.group_columns)
    for row in rows:
        keys, sums = list(row[:size]), row[size:]
        if grouping.period is not None:
            first_day, *sums = sums
            keys += _period_key(grouping.period, first_day)
        seconds, entries, *approved = (int(value or 0) for value in sums)
        if not approved:
            yield dict(zip(columns, (*keys, _to_number(seconds), entries), strict=True))
            continue
        yes, yes_count = approved
        parts = ((False, seconds - yes, entries - yes_count), (True, yes, yes_count))
        for flag, part, count in parts:
            if count:
                yield dict(zip(columns, (*keys, flag, _to_number(part), count), strict=True))


def _period_key(period: str, first_day: date | str) -> tuple[int | str, ...]:
    """Return ISO year and week of a week, or ``YYYY-MM`` of a month, by its first day."""
    if isinstance(first_day, str):  # SQLite stores dates as strings.
        first_day = date.fromisoformat(first_day)
    if period == "week":
        return first_day.isocalendar()[:2]
    return (f"{first_day:%Y-%m}",)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape_formula(value) if isinstance(value, str) else value


def prefers_csv(accept: bytes) -> bool:
    """Return whether an ``Accept`` header (RFC 9110 section 12.5.1) prefers CSV to JSON.

    Of equal weights the more specific media range wins: ``text/csv, */*`` prefers CSV.
    """
    weights: dict[str, float] = {}
    for part in accept.decode("latin-1").lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        weights[media_range] = float(weight) if _QVALUE.fullmatch(weight) else 0.0
    csv_, json_ = (_preference(weights, type_) for type_ in ("text/csv", "application/json"))
    return csv_[0] > 0 and csv_ > json_


def _preference(weights: Mapping[str, float], media_type: str) -> tuple[float, int]:
    """Return the weight of a media type by its most specific range, and how specific that is."""
    ranges = ("*/*", media_type.partition("/")[0] + "/*", media_type)
    named = [(weights[name], place) for place, name in enumerate(ranges) if name in weights]
    return named[-1] if named else (0.0, 0)
