"""Turning a record of the external tool into an entry of ours, or saying why that cannot be."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from client.errors import SourceError
from client.importing.mapping import FieldMapping, nearest
from client.importing.moments import Moment, moment_reader
from client.importing.values import read_decimal, read_decimal_comma, read_text, read_whole

REQUIRED: Final = ("user_id", "project", "hours")
"""Without these no row is an entry; the date or the week is the API's to ask for."""

SUNDAY: Final = 7


class RowError(ValueError):
    """A row that cannot be sent; the text is the reason, for a person."""


class Entry(NamedTuple):
    """A row in our names and notations."""

    fields: dict[str, Any]
    last_day: date | None
    """The day that it counts for, of a week the last; none if the API must refuse it anyway."""


class Mapper:
    """Applies a mapping.

    Args:
        mapping: What the user says of the rows.
    """

    def __init__(self, mapping: FieldMapping) -> None:
        self._defaults = mapping.defaults
        self._columns = mapping.columns
        # Without [fields] a row has our names: what else it has is probably a misspelt one.
        self._known = () if mapping.fields else tuple(self._columns.values())
        self._required = REQUIRED + (("external_id",) if mapping.names_ids else ())
        self._moment = moment_reader(mapping.date_format, mapping.zone)
        self._readers: dict[str, Callable[[Any], Any]] = {
            "year": read_whole,
            "week": read_whole,
            "hours": read_decimal_comma if mapping.decimal_comma else read_decimal,
        }

    def check_columns(self, columns: Sequence[str]) -> None:
        """Refuse CSV whose header cannot be meant, before a million rows are rejected for it.

        Raises:
            SourceError: A column is missing, unknown or there twice.
        """
        for name in columns:
            if reason := self._unknown(name):
                raise SourceError(f"The source's column {reason}.")
        for name in self._columns.values():
            if columns.count(name) > 1:
                raise SourceError(f"The source has the column {name!r} more than once.")
        for field in self._required if self._known else self._columns:
            name = self._columns[field]
            if name not in columns and field not in self._defaults:
                raise SourceError(f"The source has no column {name!r}{nearest(name, columns)}.")

    def map(self, values: Mapping[str, Any]) -> Entry:
        """Give the entry that a record is.

        Args:
            values: The record's, by the tool's names.

        Raises:
            RowError: It is none.
        """
        given = self._pick(values)
        last_day = None
        if isinstance(text := given.get("date"), str):
            moment: Moment = self._read(self._moment, "date", text)
            given["date"], last_day = moment.text, moment.day
        for field, value in given.items():
            if field in self._readers:
                given[field] = self._read(self._readers[field], field, value)
            elif not isinstance(value, str):
                given[field] = read_text(value)
        for field in self._required:
            if field not in given:
                raise RowError(f"{self._columns[field]} is missing or empty")
        return Entry(given, last_day or _last_day(given))

    def _pick(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Give what there is by our names; an empty cell and null are nothing."""
        if self._known:
            for name in values:
                if reason := self._unknown(name):
                    raise RowError(reason)
        given = dict(self._defaults)
        for field, name in self._columns.items():
            value = values.get(name)
            if value is not None and value != "":
                given[field] = value
        return given

    def _read(self, reader: Callable[[Any], Any], field: str, value: Any) -> Any:
        try:
            return reader(value)
        except ValueError as error:
            raise RowError(f"{self._columns.get(field, field)} {error}") from error

    def _unknown(self, name: str) -> str:
        """Give why a column is refused, or nothing."""
        if not self._known or name in self._known:
            return ""
        return f"{name!r} is none of our fields{nearest(name, self._known)}"


def _last_day(entry: Mapping[str, Any]) -> date | None:
    """Give the last day of a weekly entry."""
    try:
        return date.fromisocalendar(entry["year"], entry["week"], SUNDAY)
    except (KeyError, TypeError, ValueError):
        return None
