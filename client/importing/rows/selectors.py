"""Selectors: functions from a row to the value that an expression of the mapping means."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from client.errors import SourceError
from client.importing.mapping.expressions import Expression
from client.importing.rows.row_error import RowError
from client.importing.rows.values import to_text
from client.importing.suggestions import suggest

Row = Mapping[str, Any]
"""A record's values by the external system's names."""
Selector = Callable[[Row], Any]


def compile_selector(
    expression: Expression, columns: Sequence[str], *, complete: bool = False
) -> Selector:
    """Return the function that selects an expression's value; None or empty if it is missing.

    Args:
        expression: Of the mapping.
        columns: Those of CSV; empty for JSON, of which each row has its own.
        complete: Whether a template with an empty part is empty.

    Raises:
        SourceError: CSV has no such column.
    """
    text = expression.text
    if not expression.literals or text in columns:
        return compile_name(text if text in columns else expression.names[0], columns, text)
    parts = [compile_name(name, columns) for name in expression.names]
    fill = _compile_template(expression, parts, complete=complete)
    if columns:
        return fill
    return lambda row: row[text] if text in row else fill(row)


def compile_name(name: str, columns: Sequence[str], text: str = "") -> Selector:
    """Return the function that selects a column or, of JSON, what a path leads to.

    Args:
        name: The column or path.
        columns: Those of CSV.
        text: As the mapping writes the name, if braces are doubled there.

    Raises:
        SourceError: CSV has no such column.
    """
    if columns:
        if name not in columns:
            raise SourceError(
                f"The source has no column {name!r}{suggest(name, columns)}. If the column names"
                " are in another line, write header = NUMBER in the mapping."
            )
        return lambda row: row[name]
    path = name.split(".")
    exact = (name,) if text in {"", name} else (text, name)
    if path == [name] and exact == (name,):
        return lambda row: row.get(name)

    def select(row: Row) -> Any:
        for column in exact:
            if column in row:
                return row[column]
        return follow_path(row, path)

    return select


def follow_path(row: Row, path: Sequence[str]) -> Any:
    """Return the value at a path of members and indexes; None if a member is missing.

    It is also missing in null and in false, which Odoo writes where a relation is not set.

    Raises:
        RowError: The path leads into a value that has no such members.
    """
    value: Any = row
    for depth, name in enumerate(path):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list):
            if not name.isdecimal():
                raise RowError(
                    f"{'.'.join(path[:depth])} is an array: name one of its elements, such as"
                    f" {'.'.join((*path[:depth], '0', *path[depth:]))}"
                )
            value = value[int(name)] if int(name) < len(value) else None
        elif value is None or value is False:
            return None
        else:
            raise RowError(
                f"{'.'.join(path)} leads nowhere: {'.'.join(path[:depth])} is not an object, but"
                f" {to_text(value)[:40]!r}"
            )
    return value


def _compile_template(
    expression: Expression, parts: Sequence[Selector], *, complete: bool
) -> Selector:
    """Return the function that fills a template in; empty if all parts are, or one if complete."""
    first, *literals = expression.literals
    pairs = tuple(zip(expression.names, parts, literals, strict=True))

    def fill(row: Row) -> str:
        text, empty, filled = first, False, False
        for name, select, literal in pairs:
            part = select(row)
            if part.__class__ is not str:
                part = _part_to_text(name, part)
            if part:
                filled = True
            else:
                empty = True
            text += part + literal
        if not empty:
            return text
        return " ".join(text.split()) if filled and not complete else ""

    return fill


def _part_to_text(name: str, value: Any) -> str:
    try:
        return to_text(value)
    except ValueError as error:
        raise RowError(f"{name} {error}") from error
