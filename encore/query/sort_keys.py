"""Sort keys: the terms of an order, read so that its opposite and its conditions can be written.

On both databases nulls come first in an ascending order. PostgreSQL has them last, in its indexes
as well, so that ``ORDER BY name NULLS FIRST`` cannot use an ordinary index; ``SortKey.divides``
says where rows are read in two parts instead, those with nulls and those with values: the index
serves each.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import ColumnElement, Dialect, Table, UniqueConstraint
from sqlalchemy.sql import operators

from encore.database.capabilities import capabilities_of
from encore.models.relation_conditions import strip_sort_modifiers
from encore.query.filters import Order, OrderTerm

IndexTerm = tuple[ColumnElement[Any], list[Any]]
"""What an index has a column for, and its direction."""

_PLACING = (operators.nulls_first_op, operators.nulls_last_op)


@dataclass(frozen=True, slots=True, eq=False)
class SortKey:
    """One key of an order.

    Attributes:
        expression: What is sorted by.
        descending: The direction.
        nulls_first: Whether nulls come before all values.
        nullable: Whether there may be nulls.
        nulls_as_usual: Whether the database puts nulls there without being told.
        divides: Whether an index of the model serves the rows with nulls and those with values,
            but not both at once.
    """

    expression: ColumnElement[Any]
    descending: bool
    nulls_first: bool
    nullable: bool
    nulls_as_usual: bool = True
    divides: bool = False

    def reversed(self) -> "SortKey":
        """Return the same key in the opposite order."""
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    @property
    def is_null(self) -> ColumnElement[bool]:
        """The condition that a row's key is null."""
        return self.expression.is_(None)

    @property
    def clause(self) -> ColumnElement[Any]:
        """The term of an ORDER BY; nulls are mentioned where their place is not the usual one."""
        term = self.expression.desc() if self.descending else self.expression.asc()
        if not self.nullable or self.nulls_as_usual:
            return term
        return term.nulls_first() if self.nulls_first else term.nulls_last()


def sort_key(term: Order, dialect: Dialect, tables: Iterable[Table]) -> SortKey:
    """Return the key of a term of an ORDER BY.

    Args:
        term: The term.
        dialect: What statements are compiled for.
        tables: Whose indexes may serve.
    """
    expression, directions = strip_sort_modifiers(term.clause())
    descending = operators.desc_op in directions
    usual = descending == capabilities_of(dialect).nulls_are_largest
    placed = any(direction in _PLACING for direction in directions)
    nulls_first = operators.nulls_first_op in directions if placed else usual
    nullable = not isinstance(term, OrderTerm) or term.nullable
    unusual = nullable and nulls_first != usual
    divides = unusual and _serves_parts(expression, tables)
    return SortKey(expression, descending, nulls_first, nullable, not unusual, divides)


def keys_of_nulls(keys: Sequence[SortKey], tables: Iterable[Table]) -> Sequence[SortKey]:
    """Return what rows are ordered by that have null as their first key.

    It is the same for all of them, but PostgreSQL does not see that: an index on both keys serves
    the two of them, any other index serves the second alone.
    """
    first, *others = keys
    if not (first.divides and others):
        return keys
    second = others[0]
    for terms in _indexes(tables):
        if len(terms) > 1 and all(
            term.compare(key.expression) for (term, _), key in zip(terms, keys, strict=False)
        ):
            return (replace(first, nullable=False, descending=second.descending), *others)
    return others


def keys_of_values(keys: Sequence[SortKey]) -> Sequence[SortKey]:
    """Return what rows are ordered by whose first key is not null."""
    first, *others = keys
    return (replace(first, nullable=False), *others) if first.divides else keys


def _serves_parts(expression: ColumnElement[Any], tables: Iterable[Table]) -> bool:
    """Return whether an index begins with an expression, and none that places nulls itself."""
    leading = [terms[0][1] for terms in _indexes(tables) if terms[0][0].compare(expression)]
    return bool(leading) and not any(
        direction in _PLACING for directions in leading for direction in directions
    )


def _indexes(tables: Iterable[Table]) -> Iterator[list[IndexTerm]]:
    """Yield the terms of each index of tables."""
    for table in tables:
        for index in table.indexes:
            yield [
                strip_sort_modifiers(cast("ColumnElement[Any]", one)) for one in index.expressions
            ]
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint) and constraint.columns:
                yield [(column, []) for column in constraint.columns]
