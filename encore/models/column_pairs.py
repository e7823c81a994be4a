"""Equijoins: relationships whose whole condition is the equality of column pairs.

Most relationships are equijoins. Their rows are found by the columns' values alone: no join with
the parent is needed, and Python can match the rows to their parents. A relationship with any other
condition, or whose values Python and the database may compare differently, is not an equijoin here.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import CHAR, Column, ColumnElement, Table, UniqueConstraint, types
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList
from sqlalchemy.types import TypeDecorator, TypeEngine

from encore.database.capabilities import is_partial_index

ColumnPairs = tuple[tuple[Column[Any], Column[Any]], ...]
"""Pairs of columns that a relationship compares: ours and the other row's."""

_FAMILIES: Final = (types.Integer, types.Uuid, types.String)


def is_equijoin(
    mapped: RelationshipProperty[Any], source: Mapper[Any], joined: ColumnPairs
) -> bool:
    """Return whether the condition of a relationship is the equality of these column pairs.

    Args:
        mapped: The relationship.
        source: The mapper of the model that declares it.
        joined: The pairs with the link table and those with the target.
    """
    target = mapped.entity
    if not isinstance(target, Mapper) or target.inherits is not None:
        return False
    conditions = [mapped.primaryjoin]
    if mapped.secondaryjoin is not None:
        conditions.append(mapped.secondaryjoin)
    found = [pair for condition in conditions for pair in _equal_pairs(condition)]
    if None in found or set(found) != {frozenset(pair) for pair in joined}:
        return False
    tables = (source.local_table, target.local_table, mapped.secondary)
    mapped_columns = set(source.columns)
    locals_ = mapped.local_columns
    return mapped_columns >= locals_ and all(
        column.table in tables and _compare_alike(*pair) for pair in joined for column in pair
    )


def is_unique(columns: Sequence[Column[Any]]) -> bool:
    """Return whether a primary key or unique key covers these columns of one table."""
    table: object = columns[0].table
    if not isinstance(table, Table):
        return False
    keys = [table.primary_key, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]
    uniques = [set(key.columns) for key in keys]
    indexes = (index for index in table.indexes if index.unique)
    uniques += [set(index.columns) for index in indexes if not is_partial_index(index)]
    return any(unique and unique <= set(columns) for unique in uniques)


def _equal_pairs(condition: ColumnElement[bool]) -> Iterator[frozenset[Any] | None]:
    """Yield the pairs of equal columns of a condition; None for every other clause."""
    match condition:
        case BooleanClauseList() if condition.operator is operators.and_:
            for clause in condition.clauses:
                yield from _equal_pairs(clause)
        case BinaryExpression(left=Column(), right=Column()) if condition.operator is operators.eq:
            yield frozenset((condition.left, condition.right))
        case _:
            yield None


def _compare_alike(left: Column[Any], right: Column[Any]) -> bool:
    """Return whether Python and the database agree on which values of two columns are equal."""
    first, second = left.type, right.type
    if isinstance(first, TypeDecorator) or isinstance(second, TypeDecorator):
        if type(first) is not type(second):
            return False
        first, second = _implementation(first), _implementation(second)
    if any(
        isinstance(type_, CHAR) or getattr(type_, "collation", None) for type_ in (first, second)
    ):
        return False
    if type(first) is type(second):
        return not isinstance(first, types.ARRAY | types.JSON) and type(first).__name__ != "CITEXT"
    if isinstance(first, types.Enum) or isinstance(second, types.Enum):
        return False
    return any(isinstance(first, f) and isinstance(second, f) for f in _FAMILIES)


def _implementation(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    while isinstance(type_, TypeDecorator):
        type_ = type_.impl_instance
    return type_
