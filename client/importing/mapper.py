"""Turning a record of the external tool into an entry of ours, or saying why that cannot be."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from client.errors import SourceError
from client.importing.mapping import FIELDS, FieldMapping, nearest
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
        if self._columns:
            needed = {
                name for field, name in self._columns.items() if field not in self._defaults
            } - set(columns)
            for name in sorted(needed):
                raise SourceError(f"The source has no column {name!r}{nearest(name, (*columns,))}.")
        else:
            self._check_own(columns)
        read = self._columns.values() if self._columns else FIELDS
        for name in read:
            if columns.count(name) > 1:
                raise SourceError(f"The source has the column {name!r} more than once.")

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
        for name, value in given.items():
            if name in self._readers:
                given[name] = self._read(self._readers[name], name, value)
            elif not isinstance(value, str):
                given[name] = read_text(value)
        for name in REQUIRED:
            if name not in given:
                raise RowError(f"{self._called(name)} is missing or empty")
        if "external_id" in self._columns and "external_id" not in given:
            raise RowError(f"{self._called('external_id')} is missing or empty")
        return Entry(given, last_day or _last_day(given))

    def _pick(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Give what there is by our names; an empty cell and null are nothing."""
        if self._columns:
            given = {field: values.get(name) for field, name in self._columns.items()}
        else:
            if not values.keys() <= _KNOWN:
                self._check_own(list(values), RowError)
            given = dict(values)
        given = {name: value for name, value in given.items() if value not in (None, "")}
        return {**self._defaults, **given}

    def _read(self, reader: Callable[[Any], Any], name: str, value: Any) -> Any:
        try:
            return reader(value)
        except ValueError as error:
            raise RowError(f"{self._called(name)} {error}") from error

    def _called(self, field: str) -> str:
        """Give a field the name that the external tool has for it."""
        return self._columns.get(field, field)

    @staticmethod
    def _check_own(names: Sequence[str], error: type[Exception] = SourceError) -> None:
        """Refuse names that are not ours: a misspelt one would silently be nothing."""
        for name in names:
            if name not in _KNOWN:
                raise error(
                    f"The column {name!r} is none of our fields{nearest(name, FIELDS)}."
                    " A mapping file says which column is which field."
                )


_KNOWN: Final = frozenset(FIELDS)


def _last_day(entry: Mapping[str, Any]) -> date | None:
    """Give the last day of a weekly entry."""
    try:
        return date.fromisocalendar(entry["year"], entry["week"], SUNDAY)
    except (KeyError, TypeError, ValueError):
        return None
