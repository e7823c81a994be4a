"""Raw keys: the cells of a row from which its external id is derived, before they are parsed.

A better mapping, with another zone, unit or value map, leaves them as they are, so that the rows
keep their ids.
"""

from collections.abc import Callable, Sequence
from typing import Any

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.rows.selectors import Row, Selector, compile_name, compile_selector
from client.importing.targets.timesheets import END

RawKey = Callable[[Row], list[Any]]


def compile_raw_key(mapping: FieldMapping, columns: Sequence[str]) -> RawKey:
    """Return the function that returns the cells behind user, project, date, and end or hours.

    Each is a cell, or a list of the cells of a template with several. A field without a filled cell
    is represented by its default: the exports of two persons, which name nobody, have the same
    cells.
    """

    def compile_cells(field: str) -> Selector:
        text = mapping.columns.get(field)
        default = mapping.defaults.get(field)
        if text is None or (columns and not mapping.fields and text not in columns):
            return lambda _: default
        return _compile_cells(text, columns, default)

    user, project = compile_cells("user_id"), compile_cells("project")
    date, day = compile_cells("date"), compile_cells("day")
    year, week = compile_cells("year"), compile_cells("week")
    hours = compile_cells(END if END in mapping.fields else "hours")

    def raw_key(row: Row) -> list[Any]:
        when = date(row) or day(row) or [year(row), week(row)]
        return [user(row), project(row), when, hours(row)]

    return raw_key


def _compile_cells(text: str, columns: Sequence[str], default: Any) -> Selector:
    """Return the function that returns the cells of an expression, or the default."""
    expression = parse_expression(text)
    if not expression.literals or text in columns:
        select = compile_selector(expression, columns)
        return lambda row: default if (cell := select(row)) is None or cell == "" else cell
    parts = [compile_name(name, columns) for name in expression.names]

    def select_parts(row: Row) -> Any:
        if text in row:
            return row[text]
        cells = [part(row) for part in parts]
        if len(cells) == 1:  # "{Name}", or with text beside it, is the column Name.
            return default if cells[0] is None or cells[0] == "" else cells[0]
        return cells if any(cell is not None and cell != "" for cell in cells) else default

    return select_parts
