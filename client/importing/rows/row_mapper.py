"""Maps a record of the external system to an entry in our names and notations."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from client.errors import SourceError
from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.layout_checks import CELL_COLUMN, DAY_COLUMN
from client.importing.mapping.references import list_references
from client.importing.mapping.shipped import hint_at_mapping
from client.importing.reading.mapped_names import mapped_names
from client.importing.rows.field_readers import FieldReader, FieldReaders
from client.importing.rows.plain_rules import PlainRules
from client.importing.rows.row_error import RowError
from client.importing.rows.selectors import Row
from client.importing.rows.timesheet_rules import TimesheetRules
from client.importing.suggestions import suggest
from client.importing.targets.timesheets import END, mappable_kinds

_MAX_HINTS: Final = 100
"""Hints that are kept, by the names of a row."""


class Entry(NamedTuple):
    """A row in our names and notations."""

    fields: dict[str, Any]
    last_day: date | None
    """Its day, or the last day of its week; None if there is no such week."""


class RowMapper:
    """Applies a mapping to rows; compiled once for a source.

    Args:
        mapping: Names and notations of the external system.
        columns: The header of CSV, which is validated instead of rejecting every row because of it;
            empty for JSON.

    Raises:
        SourceError: A column of CSV is missing, unknown or duplicate.
        ConfigurationError: A default or a value map has an invalid value.
    """

    def __init__(self, mapping: FieldMapping, columns: Sequence[str] = ()) -> None:
        if columns and mapping.day_columns:
            columns = (*columns, DAY_COLUMN, CELL_COLUMN)
        self.columns = columns
        self._texts = mapping.columns
        # Without [fields] the columns have our names: any other one is probably misspelt.
        self._known = frozenset() if mapping.fields else mapped_names(mapping)
        self._is_csv = bool(columns)
        self._hints: dict[frozenset[str], str] = {}
        self._target = mapping.target
        self._required = self._list_required(mapping)
        for name in filter(None, columns):
            if reason := self._unknown_reason(name):
                raise SourceError(f"The source's column {reason}.{hint_at_mapping(columns)}")
        for name in list_references(mapping):
            if columns.count(name) > 1:
                raise SourceError(f"The source has the column {name!r} more than once.")
        self._readers = self._compile_readers(mapping, columns)
        self._rules: TimesheetRules | PlainRules
        if self._target.is_timesheets:
            self._rules = TimesheetRules(mapping, columns)
        else:
            self._rules = PlainRules(mapping, is_csv=self._is_csv)

    def map_row(self, row: Row) -> Entry:
        """Return the entry for a record.

        Args:
            row: The record's values by the external system's names.

        Raises:
            RowError: The record is invalid.
        """
        if self._known and not self._is_csv and not row.keys() <= self._known:
            raise RowError(self._first_unknown_reason(row))
        entry = {}
        for field, read in self._readers:
            value = read(row)
            if value is not None:
                entry[field] = value
        for field in self._required:
            if entry.get(field) is None:
                raise RowError(self._missing_reason(field))
        return Entry(entry, self._rules.complete(entry, row))

    def _compile_readers(
        self, mapping: FieldMapping, columns: Sequence[str]
    ) -> list[tuple[str, FieldReader]]:
        compiler = FieldReaders(mapping, columns)
        readers = []
        for field, kind in mappable_kinds(mapping.target).items():
            default = compiler.compile_default(field, kind)
            text = self._texts.get(field)
            optional = bool(self._known) and (field not in self._required or default is not None)
            if text is not None and not (columns and optional and text not in columns):
                readers.append((field, compiler.compile(field, kind, text)))
            elif default is not None:
                readers.append((field, _constant(default)))
        return readers

    def _list_required(self, mapping: FieldMapping) -> list[str]:
        """Return the fields that each row must have, in the mapping's words."""
        required = list(dict.fromkeys((*self._target.required, *self._target.key)))
        if self._target.is_timesheets and END in self._texts:
            required[required.index("hours")] = END
        return [*required, "external_id"] if mapping.has_external_id else required

    def _missing_reason(self, field: str) -> str:
        text = self._texts.get(field, field)
        if field == "external_id" and parse_expression(text).literals:
            return f"{text} has an empty part"
        return f"{text} is missing or empty"

    def _first_unknown_reason(self, row: Row) -> str:
        """Return why the first unknown member is invalid, and which mapping fits, if any."""
        names = frozenset(row)
        if names not in self._hints:
            if len(self._hints) >= _MAX_HINTS:
                self._hints.clear()
            self._hints[names] = hint_at_mapping(names)
        hint = self._hints[names]
        reason = next(filter(None, map(self._unknown_reason, row)))
        return f"{reason}.{hint.removesuffix('.')}" if hint else reason

    def _unknown_reason(self, name: str) -> str:
        """Return why a column is invalid; empty if it is valid."""
        if not self._known or name in self._known:
            return ""
        if name in self._target.read_only:
            return f"{name!r} is read-only: write the fields to import in [fields] of a mapping"
        return f"{name!r} is not one of our fields{suggest(name, sorted(self._known))}"


def _constant(value: Any) -> FieldReader:
    return lambda _: value
