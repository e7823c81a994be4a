"""The rules of timesheet entries: days, weeks, and hours from start and end."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.rows.row_error import RowError
from client.importing.rows.selectors import Row, Selector, compile_name
from client.importing.rows.timestamps import Timestamp, worked_seconds
from client.importing.rows.values import to_text
from client.importing.targets.timesheets import END

SUNDAY: Final = 7
SECONDS_AN_HOUR: Final = 3600
_TIME_OF_DAY: Final = re.compile(
    r"(\d{4}|\d{1,2}([:.h ]\d{2}){0,2}([.,]\d+)?) ?([ap]\.?m\.?)?", re.IGNORECASE | re.ASCII
)


class TimesheetRules:
    """Completes parsed entries.

    Args:
        mapping: Its ``end`` stands for the hours.
        columns: Those of CSV; empty for JSON.
    """

    def __init__(self, mapping: FieldMapping, columns: Sequence[str]) -> None:
        texts = mapping.columns
        self._date = texts.get("date") or texts.get("day") or f"{texts['year']} and {texts['week']}"
        self._end = mapping.fields.get(END, "")
        self._own_parts: list[Selector] = []
        if self._end and mapping.fields.get("date"):
            start, end = parse_expression(mapping.fields["date"]), parse_expression(self._end)
            if not set(start.names).isdisjoint(end.names):
                own = [name for name in end.names if name not in start.names]
                self._own_parts = [compile_name(name, columns) for name in own]

    def complete(self, entry: dict[str, Any], row: Row) -> date | None:
        """Replace parsed values by those that the API takes.

        Args:
            entry: ``date`` and ``end`` are timestamps, ``day`` a date, ``hours`` are seconds.
            row: The record's values.

        Returns:
            The entry's day, or the last day of its week; None if there is no such week, which the
            API rejects.

        Raises:
            RowError: It has neither date nor week, or its end is not after the start.
        """
        timestamp: Timestamp | None = entry.get("date")
        day: date | None = entry.get("day")
        if timestamp is not None:
            entry["date"] = timestamp.rfc3339
            day = day or timestamp.day
        elif day is not None:
            entry["date"] = f"{day}T00:00:00.000Z"
        if day is not None:
            entry["day"] = day.isoformat()
        elif "year" not in entry or "week" not in entry:
            raise RowError(f"{self._date} is missing or empty")
        if self._end and (end := entry.pop(END, None)) is not None and timestamp is not None:
            entry["hours"] = self._worked_seconds(timestamp, end, row)
        if (seconds := entry.get("hours")) is not None:
            whole, rest = divmod(seconds, SECONDS_AN_HOUR)
            entry["hours"] = seconds / SECONDS_AN_HOUR if rest else whole
        return day or _last_day_of_week(entry)

    def _worked_seconds(self, start: Timestamp, end: Timestamp, row: Row) -> int:
        over_midnight = end.utc < start.utc and bool(self._own_parts)
        if over_midnight:
            # The end shares a column with the start, which is its date only if the rest is a time.
            texts = [to_text(select(row)).strip() for select in self._own_parts]
            over_midnight = all(_TIME_OF_DAY.fullmatch(text) for text in texts)
        try:
            return worked_seconds(start, end, same_date_column=over_midnight)
        except ValueError as error:
            raise RowError(f"{self._end} {error}") from error


def _last_day_of_week(entry: dict[str, Any]) -> date | None:
    """Return the Sunday of a weekly entry."""
    try:
        return date.fromisocalendar(entry["year"], entry["week"], SUNDAY)
    except (KeyError, TypeError, ValueError):
        return None
