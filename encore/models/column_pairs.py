"""Plain pairs: relationships whose whole condition is that columns are equal.

They are the common ones, and their rows are found by the columns' values alone: no join with the
parent is needed, and Python can match the rows to their parents. Whatever says more than that, or
compares values that Python and the database may compare differently, is not plain.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import CHAR, Column, ColumnElement, Index, Table, UniqueConstraint, types
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList
from sqlalchemy.types import TypeDecorator, TypeEngine

ColumnPairs = tuple[tuple[Column[Any], Column[Any]], ...]

_FAMILIES: Final = (types.Integer, types.Uuid, types.String)


def is_equijoin(
    mapped: RelationshipProperty[Any], source: Mapper[Any], joined: ColumnPairs
) -> bool:
    """Tell whether a relationship is nothing but these pairs of equal columns.

    Args:
        mapped: The relationship.
        source: The mapper of the model that it is seen from.
        joined: Its pairs, those with the link table and those with the target.
    """
    target = mapped.entity
    if not isinstance(target, Mapper) or target.inherits is not None:
        return False
    conditions = [mapped.primaryjoin]
    if mapped.secondaryjoin is not None:
        conditions.append(mapped.secondaryjoin)
    found = [pair for one in conditions for pair in _equals(one)]
    if None in found or set(found) != {frozenset(pair) for pair in joined}:
        return False
    tables = (source.local_table, target.local_table, mapped.secondary)
    mapped_columns = set(source.columns)
    locals_ = mapped.local_columns
    return mapped_columns >= locals_ and all(
        column.table in tables and _compares_alike(*pair) for pair in joined for column in pair
    )


def is_unique(columns: Sequence[Column[Any]]) -> bool:
    """Tell whether no two rows of a table can have the same values in these columns."""
    table: object = columns[0].table
    if not isinstance(table, Table):
        return False
    keys = [table.primary_key, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]
    uniques = [set(key.columns) for key in keys]
    uniques += [set(index.columns) for index in table.indexes if index.unique and _is_whole(index)]
    return any(unique and unique <= set(columns) for unique in uniques)


def _is_whole(index: Index) -> bool:
    """Tell whether an index is of every row, not of those that a condition chooses."""
    options = [index.dialect_options[name] for name in ("sqlite", "postgresql")]
    return all(one.get("where") is None for one in options)


def _equals(condition: ColumnElement[bool]) -> Iterator[frozenset[Any] | None]:
    """Split a condition into its pairs of equal columns; None for whatever else it says."""
    match condition:
        case BooleanClauseList() if condition.operator is operators.and_:
            for clause in condition.clauses:
                yield from _equals(clause)
        case BinaryExpression(left=Column(), right=Column()) if condition.operator is operators.eq:
            yield frozenset((condition.left, condition.right))
        case _:
            yield None


def _compares_alike(one: Column[Any], other: Column[Any]) -> bool:
    """Tell whether equal in the database is equal in Python, for these two columns' values."""
    first, second = one.type, other.type
    if isinstance(first, TypeDecorator) or isinstance(second, TypeDecorator):
        if type(first) is not type(second):
            return False
        first, second = _implementation(first), _implementation(second)
    if any(isinstance(kind, CHAR) or getattr(kind, "collation", None) for kind in (first, second)):
        return False
    if type(first) is type(second):
        return not isinstance(first, types.ARRAY | types.JSON) and type(first).__name__ != "CITEXT"
    if isinstance(first, types.Enum) or isinstance(second, types.Enum):
        return False
    return any(isinstance(first, f) and isinstance(second, f) for f in _FAMILIES)


def _implementation(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    return kind
