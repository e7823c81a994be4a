"""Unique keys of a mapped class: columns whose values identify at most one row.

A key counts only if its columns are NOT NULL: a UNIQUE constraint allows any number of rows in
which one of them is null. Partial and functional indexes do not count.
"""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint

from encore.database.capabilities import is_partial_index
from encore.models.mapped_class import MappedClass

ColumnSet = frozenset[Column[Any]]


def unique_keys(mapped: MappedClass) -> Iterator[ColumnSet]:
    """Yield the columns of the primary key, then of each unique key over NOT NULL columns."""
    yield frozenset(mapped.key)
    for table in mapped.tables:
        for columns in _unique_columns(table):
            if columns and not any(column.nullable for column in columns):
                yield columns


def identifies_one_row(mapped: MappedClass, attributes: Collection[str]) -> bool:
    """Return whether values of these attributes identify at most one row."""
    known = set(attributes)
    return any(_attributes(mapped, key) <= known for key in unique_keys(mapped))


def _attributes(mapped: MappedClass, columns: ColumnSet) -> set[str]:
    """Return the attributes of columns; an unmapped column gets a name that no attribute has."""
    mapper = mapped.mapper
    return {
        mapper.get_property_by_column(column).key if mapped.has_column(column) else f"-{column}"
        for column in columns
    }


def _unique_columns(table: Table) -> Iterator[ColumnSet]:
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield frozenset(constraint.columns)
    for index in table.indexes:
        if index.unique and not is_partial_index(index):
            columns = frozenset(e for e in index.expressions if isinstance(e, Column))
            if len(columns) == len(index.expressions):
                yield columns
