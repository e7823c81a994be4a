"""The first mapped rows as a table: the cells that the mapping reads, and the entries of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import zip_longest
from typing import Any, Final

from rich.cells import set_cell_size

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.references import list_references
from client.importing.preview.text_table import format_table, shorten, table_width
from client.importing.reading.records import Record

MAX_ROWS: Final = 10
ARROW: Final = "=>"

_INDENT: Final = "  "
_CELL_WIDTHS: Final = (40, 24, 16)
"""The widest cells, tried in order until the table fits."""

_ORDER: Final = ("user_id", "day", "date", "year", "week", "project", "hours")
_LAST: Final = ("source", "external_id")
_HIDDEN: Final = "previous_external_id"
"""What an earlier version would have derived as the id."""


class Sample:
    """The first mapped rows.

    Args:
        mapping: The cells that it reads are shown.
    """

    def __init__(self, mapping: FieldMapping) -> None:
        self._names = list_references(mapping)
        self._rows: list[tuple[Record, Mapping[str, Any]]] = []

    def add(self, record: Record, entry: Mapping[str, Any]) -> None:
        """Keep a row, unless there are enough."""
        if len(self._rows) < MAX_ROWS:
            self._rows.append((record, entry))

    @property
    def is_full(self) -> bool:
        """Whether further rows are not kept."""
        return len(self._rows) >= MAX_ROWS

    def format(self, width: int) -> list[str]:
        """Return the lines of the table; none without rows.

        Args:
            width: Of the terminal. A table that does not fit has a line for each field.
        """
        if not self._rows:
            return []
        records = [record for record, _ in self._rows]
        theirs = [name for name in self._names if _is_in_any(name, records)]
        fields = _order({name for _, entry in self._rows for name in entry} - {_HIDDEN})
        for cell_width in _CELL_WIDTHS:
            header = ("line", *theirs, ARROW, *fields)
            rows = [
                (
                    record_position(record),
                    *(_show(find_value(record.values, name)) for name in theirs),
                    ARROW,
                    *(_show_field(entry, name) for name in fields),
                )
                for record, entry in self._rows
            ]
            short = [[shorten(cell, cell_width) for cell in row] for row in rows]
            names = [shorten(name, cell_width) for name in header]
            if table_width(names, short) <= width:
                return format_table(names, short, right=(0,))
        return self._format_long(theirs, fields, width)

    def _format_long(self, theirs: Sequence[str], fields: Sequence[str], width: int) -> list[str]:
        """Return the rows one after the other, each with its cells beside its fields."""
        half = (width - len(_INDENT) - len(ARROW) - 2) // 2
        lines = []
        for record, entry in self._rows:
            lines.append(f"line {record_position(record)}")
            cells = [f"{name}: {_show(find_value(record.values, name))}" for name in theirs]
            sent = [f"{name}: {_show_field(entry, name)}" for name in fields]
            for left, right in zip_longest(cells, sent, fillvalue=""):
                cell = set_cell_size(shorten(left, half), half)
                lines.append(f"{_INDENT}{cell} {ARROW} {shorten(right, half)}".rstrip())
        return lines


def record_position(record: Record) -> str:
    """Return where a row is: its line, or its page and line."""
    return str(record.line) if record.page == 1 else f"{record.page}:{record.line}"


def find_value(values: Mapping[str, Any], name: str) -> Any:
    """Return the value of a column, or of a path such as ``user.name``; None without one."""
    if name in values:
        return values[name]
    value: Any = values
    for part in name.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _is_in_any(name: str, records: Iterable[Record]) -> bool:
    return any(find_value(record.values, name) is not None for record in records)


def _order(names: set[str]) -> list[str]:
    known = (*_ORDER, *sorted(names.difference(_ORDER, _LAST)), *_LAST)
    return [name for name in known if name in names]


def _show(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | date):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _show_field(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if name == "hours" and isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return _show(value)
