"""Maps a record of the external system to an entry in our names and notations."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.rows.timestamps import Timestamp, timestamp_parser
from client.importing.rows.values import (
    parse_decimal,
    parse_decimal_comma,
    parse_integer,
    parse_string,
)
from client.importing.suggestions import suggest
from client.importing.targets.timesheets import TIMESHEETS

SUNDAY: Final = 7


class RowError(ValueError):
    """A row is invalid and cannot be sent; the message is the reason, for the user."""


class Entry(NamedTuple):
    """A row in our names and notations."""

    fields: dict[str, Any]
    last_day: date | None
    """Its day, or the last day of its week; None if it has neither, which the API rejects."""


class RowMapper:
    """Applies a mapping to rows.

    Args:
        mapping: Names and notations of the external system.
    """

    def __init__(self, mapping: FieldMapping) -> None:
        self._defaults = mapping.defaults
        self._columns = mapping.columns
        # Without [fields] the columns have our names: any other one is probably misspelt.
        self._known = () if mapping.fields else tuple(self._columns.values())
        self._required = TIMESHEETS.required + (("external_id",) if mapping.has_external_id else ())
        self._parse_timestamp = timestamp_parser(mapping.date_formats, mapping.zone)
        self._parsers: dict[str, Callable[[Any], Any]] = {
            "year": parse_integer,
            "week": parse_integer,
            "hours": parse_decimal_comma if mapping.decimal_comma else parse_decimal,
        }

    def check_columns(self, columns: Sequence[str]) -> None:
        """Validate the header of CSV, instead of rejecting every row because of it.

        Raises:
            SourceError: A column is missing, unknown or duplicate.
        """
        for name in columns:
            if reason := self._unknown_reason(name):
                raise SourceError(f"The source's column {reason}.")
        for name in self._columns.values():
            if columns.count(name) > 1:
                raise SourceError(f"The source has the column {name!r} more than once.")
        for field in self._required if self._known else self._columns:
            name = self._columns[field]
            if name not in columns and field not in self._defaults:
                raise SourceError(f"The source has no column {name!r}{suggest(name, columns)}.")

    def map_row(self, values: Mapping[str, Any]) -> Entry:
        """Return the entry for a record.

        Args:
            values: The record's values by the external system's names.

        Raises:
            RowError: The record is invalid.
        """
        entry = self._select(values)
        last_day = None
        if isinstance(raw := entry.get("date"), str):
            timestamp: Timestamp = self._parse(self._parse_timestamp, "date", raw)
            entry["date"], last_day = timestamp.rfc3339, timestamp.day
        for field, value in entry.items():
            if field in self._parsers:
                entry[field] = self._parse(self._parsers[field], field, value)
            elif not isinstance(value, str):
                entry[field] = parse_string(value)
        for field in self._required:
            if field not in entry:
                raise RowError(f"{self._columns[field]} is missing or empty")
        return Entry(entry, last_day or _last_day_of_week(entry))

    def _select(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by our names; an empty cell and null count as missing."""
        if self._known:
            for name in values:
                if reason := self._unknown_reason(name):
                    raise RowError(reason)
        selected = dict(self._defaults)
        for field, name in self._columns.items():
            value = values.get(name)
            if value is not None and value != "":
                selected[field] = value
        return selected

    def _parse(self, parser: Callable[[Any], Any], field: str, value: Any) -> Any:
        try:
            return parser(value)
        except ValueError as error:
            raise RowError(f"{self._columns.get(field, field)} {error}") from error

    def _unknown_reason(self, name: str) -> str:
        """Return why a column is invalid; empty if it is valid."""
        if not self._known or name in self._known:
            return ""
        return f"{name!r} is not one of our fields{suggest(name, self._known)}"


def _last_day_of_week(entry: Mapping[str, Any]) -> date | None:
    """Return the Sunday of a weekly entry."""
    try:
        return date.fromisocalendar(entry["year"], entry["week"], SUNDAY)
    except (KeyError, TypeError, ValueError):
        return None
