"""Sort keys: the terms of an order, analysed to build the reverse order and keyset conditions.

Nulls come first in ascending order on both databases. PostgreSQL's default, in its indexes too, is
nulls last, so that ``ORDER BY name NULLS FIRST`` cannot use an ordinary index. If
``SortKey.splits_nulls``, rows with nulls and rows with values are therefore read one after the
other, and an index is used for each.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Dialect, Table, UniqueConstraint
from sqlalchemy.sql import operators

from encore.database.capabilities import capabilities_of
from encore.models.relation_conditions import strip_sort_modifiers
from encore.query.filters import Order, OrderTerm

IndexTerm = tuple[ColumnElement[Any], list[Any]]
"""An expression of an index, and its sort modifiers (``DESC``, ``NULLS FIRST``)."""

_NULLS_OPERATORS: Final = (operators.nulls_first_op, operators.nulls_last_op)


@dataclass(frozen=True, slots=True, eq=False)
class SortKey:
    """A sort key.

    Attributes:
        expression: The expression to sort by.
        descending: Whether the greatest value comes first.
        nulls_first: Whether nulls come before all values.
        nullable: Whether there may be nulls.
        nulls_by_default: Whether the database's default has nulls at that end.
        splits_nulls: Whether an index can be used for the rows with nulls and for those with
            values, but not for both in one statement.
    """

    expression: ColumnElement[Any]
    descending: bool
    nulls_first: bool
    nullable: bool
    nulls_by_default: bool = True
    splits_nulls: bool = False

    def reversed(self) -> "SortKey":
        """Return the same key in the opposite order."""
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    @property
    def is_null(self) -> ColumnElement[bool]:
        """The condition that the key is null."""
        return self.expression.is_(None)

    @property
    def clause(self) -> ColumnElement[Any]:
        """The term of ORDER BY; it has NULLS FIRST or LAST only where that is not the default."""
        term = self.expression.desc() if self.descending else self.expression.asc()
        if not self.nullable or self.nulls_by_default:
            return term
        return term.nulls_first() if self.nulls_first else term.nulls_last()


def sort_key(term: Order, dialect: Dialect, tables: Iterable[Table]) -> SortKey:
    """Return the sort key of a term of an ORDER BY.

    Args:
        term: The term.
        dialect: The dialect of the statements.
        tables: The tables whose indexes may be used.
    """
    expression, modifiers = strip_sort_modifiers(term.clause())
    descending = operators.desc_op in modifiers
    default = descending == capabilities_of(dialect).nulls_are_largest
    explicit = any(modifier in _NULLS_OPERATORS for modifier in modifiers)
    nulls_first = operators.nulls_first_op in modifiers if explicit else default
    nullable = not isinstance(term, OrderTerm) or term.nullable
    differs = nullable and nulls_first != default
    splits_nulls = differs and _has_index_by_default(expression, tables)
    return SortKey(expression, descending, nulls_first, nullable, not differs, splits_nulls)


def keys_of_nulls(keys: Sequence[SortKey], tables: Iterable[Table]) -> Sequence[SortKey]:
    """Return the sort keys of the rows whose first key is null.

    The first key is constant, but PostgreSQL does not use that: an index on both keys needs both
    in ORDER BY, any other index needs the second key alone.
    """
    first, *others = keys
    if not (first.splits_nulls and others):
        return keys
    second = others[0]
    for terms in _indexes(tables):
        if len(terms) > 1 and all(
            term.compare(key.expression) for (term, _), key in zip(terms, keys, strict=False)
        ):
            return (replace(first, nullable=False, descending=second.descending), *others)
    return others


def keys_of_values(keys: Sequence[SortKey]) -> Sequence[SortKey]:
    """Return the sort keys of the rows whose first key is not null."""
    first, *others = keys
    return (replace(first, nullable=False), *others) if first.splits_nulls else keys


def _has_index_by_default(expression: ColumnElement[Any], tables: Iterable[Table]) -> bool:
    """Return whether indexes begin with an expression, all with nulls at the default end."""
    leading = [terms[0][1] for terms in _indexes(tables) if terms[0][0].compare(expression)]
    return bool(leading) and not any(
        modifier in _NULLS_OPERATORS for modifiers in leading for modifier in modifiers
    )


def _indexes(tables: Iterable[Table]) -> Iterator[list[IndexTerm]]:
    """Yield the terms of each index and unique constraint of the tables."""
    for table in tables:
        for index in table.indexes:
            yield [
                strip_sort_modifiers(cast("ColumnElement[Any]", one)) for one in index.expressions
            ]
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint) and constraint.columns:
                yield [(column, []) for column in constraint.columns]
