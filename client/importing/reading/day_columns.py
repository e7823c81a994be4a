"""Columns whose names are days, as in a weekly timesheet: each filled cell becomes one record."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from client.errors import SourceError
from client.importing.mapping.layout_checks import CELL_COLUMN, DAY_COLUMN
from client.importing.notations.date_formats import DateFormat
from client.importing.reading.record import Record

_SAMPLE_DAY: Final = date(2017, 11, 23)
_EMPTY: Final = re.compile(r"[-\u2013\u2014]?|[+-]?0+(?:[.,:]0+)*(?:\s*h)?")
"""Cells without hours: empty, a dash or zero."""


def find_day_columns(columns: Sequence[str], form: str) -> Mapping[int, date]:
    """Return the days by the position of their columns.

    Args:
        columns: The names of all columns.
        form: In ``strptime`` syntax.

    Raises:
        SourceError: There is none, a day has two columns, or a name is ambiguous.
    """
    for name in (DAY_COLUMN, CELL_COLUMN):
        if name in columns:
            raise SourceError(
                f"The source has a column {name!r}, but so is called what day_columns makes of each"
                " cell: rename that column."
            )
    days: dict[int, date] = {}
    date_format = DateFormat(form)
    for position, name in enumerate(columns):
        day = _parse_day(name, date_format)
        if day is None:
            continue
        if day in days.values():
            raise SourceError(f"The source has more than one column for {day}: {name!r} is one.")
        days[position] = day
    if not days:
        raise SourceError(
            f"The source has no columns like day_columns = {form!r}, such as"
            f" {_SAMPLE_DAY.strftime(form)!r}, but {', '.join(map(repr, columns[:20]))}."
        )
    _check_between(columns, days)
    return days


def expand_days(records: Iterator[Record], days: Mapping[int, date]) -> Iterator[Record]:
    """Yield a record for each filled cell of the day columns, with its day and cell.

    The raw row of each has that cell only: if it is rejected, corrected and imported, the other
    days are not imported once more.

    Args:
        records: Of CSV.
        days: As from ``find_day_columns``.
    """
    for record in records:
        if record.error:
            yield record
            continue
        raw = list(record.raw)
        for position in days:
            raw[position] = ""
        for position, day in days.items():
            cell = record.raw[position]
            if not _EMPTY.fullmatch(cell.strip()):
                values = {**record.values, DAY_COLUMN: day, CELL_COLUMN: cell.strip()}
                yield record._replace(
                    values=values, raw=[*raw[:position], cell, *raw[position + 1 :]]
                )


def _check_between(columns: Sequence[str], days: Mapping[int, date]) -> None:
    """Raise if a column among the days has digits, but is not like them: it may be a day too."""
    names = [columns[position] for position in days]
    for position in range(min(days), max(days)):
        name = columns[position]
        if position in days or not any(map(str.isdigit, name)):
            continue
        if not any(day in name for day in names):
            raise SourceError(
                f"The source's column {name!r} is among the days, but not like {names[0]!r}: its"
                " hours would be lost. Correct its name, or day_columns in the mapping."
            )


def _parse_day(name: str, date_format: DateFormat) -> date | None:
    """Return the day that a column is named after; None if its name is not a day.

    Raises:
        SourceError: It is like one, but there is no such day: its hours would be lost.
    """
    text = " ".join(name.split())
    try:
        parsed = date_format.parse(text)
    except ValueError as error:
        raise SourceError(
            f"The source's column {name!r} has another weekday than its day: {error}. day_columns"
            " in the mapping may have day and month exchanged."
        ) from error
    if parsed:
        return parsed.local.date()
    if date_format.fits(text):
        raise SourceError(
            f"The source's column {name!r} is like day_columns in the mapping, but there is no such"
            " day. Correct its name, or day_columns, which may have day and month exchanged."
        )
    return None
