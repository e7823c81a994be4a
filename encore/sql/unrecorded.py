"""Columns that a history does not record, where a statement of past rows uses them.

A SELECT may return them: the members are left out of the response. A condition, an order or a
computed column would take null for their values, and find other rows than there were.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Alias, Column, ColumnClause, Label, Select
from sqlalchemy.sql import ClauseElement

from encore.database.history import recorded_table_of


def is_unrecorded(column: Any) -> bool:
    """Return whether a column is one of a recorded table whose history excludes it."""
    if not isinstance(column, Column):
        return False
    found = recorded_table_of(_table_of(column))
    return found is not None and column.name in found[0].exclude


def used_unrecorded(clause: ClauseElement, *, in_results: bool) -> Iterator[str]:
    """Yield the unrecorded columns that a statement uses, other than by returning them.

    Args:
        clause: The statement.
        in_results: Whether to look at the expressions that it returns as well.
    """
    pending = [clause]
    while pending:
        element = pending.pop()
        if is_unrecorded(element):
            column: Any = element
            yield f"{_table_of(column).name}.{column.name}"
        if isinstance(element, Select):
            with_expressions = in_results or element is not clause
            element = element.with_only_columns(*_results(element, with_expressions))
        pending += element.get_children()


def _results(rows: Select[Any], with_expressions: bool) -> list[Any]:  # noqa: FBT001
    """Return what a SELECT returns, without unrecorded columns and, perhaps, expressions."""
    kept = []
    for result in rows.selected_columns:
        column = result.element if isinstance(result, Label) else result
        is_column = isinstance(column, ColumnClause)
        if (is_column or with_expressions) and not is_unrecorded(column):
            kept.append(result)
    return kept


def _table_of(column: Column[Any]) -> Any:
    table: Any = column.table
    while isinstance(table, Alias):
        table = table.element
    return table
