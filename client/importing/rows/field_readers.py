"""Field readers: functions from a row to the value of one of our fields.

The order is: select a column, path or template; extract; value map; parse; default.
"""

from collections.abc import Callable, Sequence
from typing import Any

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.layout_checks import CELL_COLUMN, DAY_COLUMN
from client.importing.rows.extracts import compile_extract
from client.importing.rows.parsers import KindParsers, Parser
from client.importing.rows.row_error import RowError
from client.importing.rows.selectors import Row, Selector, compile_selector
from client.importing.rows.value_maps import compile_value_map
from client.importing.targets.target import Kind
from encore.client.errors import ConfigurationError

FieldReader = Callable[[Row], Any]
"""Returns None if the value is missing; raises RowError."""


class FieldReaders:
    """Compiles the readers of a mapping's fields.

    Args:
        mapping: Names and notations of the external system.
        columns: Those of CSV; empty for JSON.
    """

    def __init__(self, mapping: FieldMapping, columns: Sequence[str]) -> None:
        self._mapping = mapping
        self._columns = columns
        self._parsers = KindParsers(mapping)

    def compile(self, field: str, kind: Kind, text: str) -> FieldReader:
        """Return the reader of a field.

        Args:
            field: Its name.
            kind: How its values are parsed.
            text: The expression of its value.

        Raises:
            SourceError: CSV has no such column.
            ConfigurationError: A default or a value map has an invalid value.
        """
        mapping = self._mapping
        default = self.compile_default(field, kind)
        expression = parse_expression(text)
        select = compile_selector(expression, self._columns, complete=field == "external_id")
        if kind == "string" and self._columns and field not in {*mapping.values, *mapping.extract}:
            return lambda row: select(row) or default
        table = mapping.values.get(field, {})
        parse = self._compile_parser(field, kind)
        empty = self._ours(kind, f"[values.{field}] ''", table[""]) if table.get("") else default
        label = _label_of_cell if mapping.day_columns and text == CELL_COLUMN else None
        return _compile_reader(text, select, parse, empty=empty, default=default, label=label)

    def compile_default(self, field: str, kind: Kind) -> Any:
        """Return the parsed default of a field, or None.

        Raises:
            ConfigurationError: It is invalid.
        """
        if field not in self._mapping.defaults:
            return None
        return self._ours(kind, f"[defaults] {field}", self._mapping.defaults[field])

    def _ours(self, kind: Kind, key: str, value: Any) -> Any:
        try:
            return self._parsers.ours(kind)(value)
        except ValueError as error:
            raise ConfigurationError(f"The mapping's {key} {error}.") from error

    def _compile_parser(self, field: str, kind: Kind) -> Parser:
        """Return the function of extract, value map and notation."""
        parse = self._parsers.theirs(kind)
        if table := self._mapping.values.get(field):
            try:
                parse = compile_value_map(field, table, parse, self._parsers.ours(kind))
            except ValueError as error:
                raise ConfigurationError(f"The mapping's {error}.") from error
        if regex := self._mapping.extract.get(field):
            extract, parse_extracted = compile_extract(field, regex), parse

            def parse_part(value: Any) -> Any:
                part = extract(value)
                return parse_extracted(part) if part else None

            return parse_part
        return parse


def _compile_reader(
    text: str,
    select: Selector,
    parse: Parser,
    *,
    empty: Any,
    default: Any,
    label: Callable[[Row], str] | None,
) -> FieldReader:
    def read(row: Row) -> Any:
        value = select(row)
        if value is None or value == "":
            return empty
        try:
            parsed = parse(value)
        except ValueError as error:
            raise RowError(f"{label(row) if label else text} {error}") from error
        return default if parsed is None else parsed

    return read


def _label_of_cell(row: Row) -> str:
    return f"the cell of {row[DAY_COLUMN]}"
