"""Columns and paths of the mapping that no row of JSON has: they are probably misspelt.

The header of CSV says at once which columns there are. Of JSON, a row may lack a member; but one
that no row has would be empty everywhere, and nothing else would say so.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from client.errors import SourceError
from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.keys import as_strings
from client.importing.rows.selectors import Row
from client.importing.suggestions import suggest

_SAMPLE_ROWS: Final = 100
_SAMPLE_NAMES: Final = 200
_SAMPLE_DEPTH: Final = 3


class UnseenColumns:
    """Tracks which columns of the mapping no row has had so far.

    A field that has a default, or a value for ``""``, may be missing everywhere; so may a column
    of a condition that lists ``""``, unless all rows are skipped because of it.

    Args:
        mapping: Of the source.
        columns: Those of CSV, which leave nothing to track.
    """

    def __init__(self, mapping: FieldMapping, columns: Sequence[str]) -> None:
        self._fields: dict[str, str] = {}
        """What names each column not seen yet, for messages."""
        self._conditions: dict[str, str] = {}
        self._optional: dict[str, str] = {}
        """Columns of [skip] that may be missing, unless all rows are skipped."""
        self._sample: dict[str, None] = {}
        self._rows = self._skipped = 0
        if not columns:
            self._collect(mapping)

    @property
    def is_complete(self) -> bool:
        """Whether all columns have been seen."""
        return not (self._fields or self._conditions or self._optional)

    def observe(self, row: Row, *, is_skipped: bool) -> None:
        """Note the columns of the next row; fields only if it is not skipped."""
        self._rows += 1
        self._skipped += is_skipped
        tables = (self._conditions, self._optional) + (() if is_skipped else (self._fields,))
        for table in tables:
            for name in [name for name in table if _has(row, name)]:
                del table[name]
        if self._rows <= _SAMPLE_ROWS and len(self._sample) < _SAMPLE_NAMES:
            self._sample.update(dict.fromkeys(_paths(row, _SAMPLE_DEPTH)))

    def check(self) -> None:
        """Raise SourceError if no row of the source has a column.

        Call it after the last row.
        """
        if not self._rows:
            return
        mapped = self._rows - self._skipped
        missing = {**self._conditions, **(self._fields if mapped else self._optional)}
        for name, key in missing.items():
            raise SourceError(
                f"No row of the source has {name!r}, which {key} names"
                f"{suggest(name, tuple(self._sample))}."
            )

    def _collect(self, mapping: FieldMapping) -> None:
        if mapping.external_id:
            names = parse_expression(mapping.external_id).names
            self._fields.update(dict.fromkeys(names, "external_id"))
        for field, text in mapping.fields.items():
            if field not in mapping.defaults and "" not in mapping.values.get(field, {}):
                names = parse_expression(text).names
                self._fields.update(dict.fromkeys(names, f"[fields] {field}"))
        for table, conditions in (("skip", mapping.skip), ("only", mapping.only)):
            for text, patterns in conditions.items():
                may_be_missing = "" in as_strings(patterns)
                for name in parse_expression(text).names:
                    if not may_be_missing:
                        self._conditions[name] = f"[{table}]"
                    elif table == "skip" and name not in self._fields:
                        self._optional[name] = f"[{table}]"


def _has(row: Row, name: str) -> bool:
    """Return whether a row has a column, or could have what a path leads to."""
    if name in row:
        return True
    value: Any = row
    for member in name.split("."):
        if not isinstance(value, Mapping):
            return True  # null, an array of any length, or an error of this row alone
        if member not in value:
            return False
        value = value[member]
    return True


def _paths(row: Row, depth: int) -> Iterator[str]:
    for name, value in row.items():
        yield name
        if isinstance(value, Mapping) and depth > 1:
            for path in _paths(value, depth - 1):
                yield f"{name}.{path}"
