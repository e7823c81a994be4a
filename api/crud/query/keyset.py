"""Keyset pagination: the rows of an order that come after (or before) the sort keys of a row.

OFFSET reads and drops every row before the page; a condition on the sort keys lets an index start
at the page. A ``Keyset`` is one order as its keys: it knows where they are in a row, writes the
condition, and orders backwards as well. Whatever may be sorted by is supported: fields of related
rows, mixed directions, nulls, SQL expressions, the order of a relationship.

A null among the keys changes the condition, so a ``Seek`` (the shape of a condition, without its
values) says which of them are null. Where the first key may be null, the nulls are a part of
their own (``Seek.part``): ``a > ? OR a IS NULL`` has no index start at the page, each of its sides
does. The parts are read one after the other, in the order of their rows.

Which keys are driver values: they are bound as they were read, without a conversion.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Dialect,
    and_,
    false,
    or_,
    tuple_,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression
from sqlalchemy.types import UserDefinedType

from api.crud.associations.conditions import undirected
from api.crud.query.criteria import FixedOrder, NextSlot, Order, OrderTerm
from api.crud.views.fields import Field, Fields
from db.statement import Row

Keys = tuple[Any, ...]
"""The sort keys of a row in the order's order, as the driver gave them."""


class AsRead(UserDefinedType[Any]):
    """The type of a bound sort key: without a cast, so that the database takes the key's own.

    A cast could round or truncate it (``NUMERIC(10, 2)``), or keep an index from being used.
    """

    cache_ok = True


_AS_READ: Final = AsRead()


class Seek(NamedTuple):
    """The shape of a keyset condition.

    Attributes:
        nulls: Which of the keys are null; empty from the first row on.
        backwards: Whether the rows before the keys are meant, the nearest first.
        part: Which part of the rows; None for all of them by one condition.
    """

    nulls: tuple[bool, ...] = ()
    backwards: bool = False
    part: int | None = None


START: Final = Seek()
"""From the first row on; the statement also selects the keys that are not among the columns."""


@dataclass(frozen=True, slots=True, eq=False)
class SortKey:
    """One key of an order.

    Attributes:
        expression: What is sorted by.
        descending: The direction.
        nulls_first: Whether nulls come before all values.
        nullable: Whether there may be nulls.
    """

    expression: ColumnElement[Any]
    descending: bool
    nulls_first: bool
    nullable: bool

    def reversed(self) -> "SortKey":
        """Return the same key in the opposite order."""
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    @property
    def is_null(self) -> ColumnElement[bool]:
        """The condition that a row's key is null."""
        return self.expression.is_(None)

    def clause(self, dialect: Dialect) -> ColumnElement[Any]:
        """Return the term of an ORDER BY; nulls are mentioned where their place is not usual."""
        term = self.expression.desc() if self.descending else self.expression.asc()
        usual = _usually_first(self.descending, dialect)
        if not self.nullable or self.nulls_first == usual:
            return term
        return term.nulls_first() if self.nulls_first else term.nulls_last()


class Keyset:
    """One order, as sort keys.

    Args:
        order: Whose last terms are the primary key's, so that no two rows have the same keys.
        fields: The columns that the rows have.
        dialect: What statements are compiled for.

    Attributes:
        usable: Whether the keys are known; not where a relationship's order is a ``text()``.
    """

    def __init__(self, order: tuple[Order, ...], fields: Fields, dialect: Dialect) -> None:
        self._order = order
        self._fields = fields
        self._dialect = dialect
        terms = (term.expression for term in order if isinstance(term, FixedOrder))
        self.usable = all(isinstance(term, ColumnElement) for term in terms)

    @cached_property
    def keys(self) -> tuple[SortKey, ...]:
        """The sort keys; none where they are not known."""
        if not self.usable:
            return ()
        return tuple(_sort_key(term, self._dialect) for term in self._order)

    @cached_property
    def _backwards(self) -> tuple[SortKey, ...]:
        return tuple(key.reversed() for key in self.keys)

    @cached_property
    def _places(self) -> tuple[int, ...]:
        """Where the keys are in a row: among its columns, or behind them."""
        behind, places = self.width, []
        for key in self.keys:
            place = self._place(key)
            places.append(behind if place is None else place)
            behind += place is None
        return tuple(places)

    @cached_property
    def width(self) -> int:
        """How many columns a row has, without those of ``extra``."""
        return len(list(self._fields))

    @cached_property
    def extra(self) -> tuple[ColumnElement[Any], ...]:
        """The keys that are not among the rows' columns, to be selected behind them."""
        pairs = zip(self.keys, self._places, strict=True)
        return tuple(key.expression for key, place in pairs if place >= self.width)

    def of_row(self, row: Row) -> Keys:
        """Return the sort keys of a row; ``extra`` must have been selected with it."""
        return tuple([row[place] for place in self._places])

    def order_by(self, *, backwards: bool = False) -> list[ColumnElement[Any]]:
        """Return the ORDER BY; backwards only of an order that is usable."""
        if not self.usable:
            return [term.clause() for term in self._order]
        return [key.clause(self._dialect) for key in self._directed(backwards=backwards)]

    def seeks(self, keys: Keys, *, backwards: bool = False) -> tuple[Seek, ...]:
        """Return the conditions whose rows, one after the other, come after (before) these keys.

        Their values are ``values_of(keys)``, for each of them.
        """
        nulls = tuple([key is None for key in keys])
        first = self._directed(backwards=backwards)[0]
        divided = first.nulls_first if nulls[0] else first.nullable and not first.nulls_first
        return tuple([Seek(nulls, backwards, part) for part in range(1 + divided)])

    @staticmethod
    def values_of(keys: Keys) -> Keys:
        """Return what the slots of a condition are bound to: the keys that are not null."""
        return tuple([key for key in keys if key is not None])

    def condition(self, seek: Seek, next_slot: NextSlot) -> ColumnElement[bool] | None:
        """Return the condition; one slot for each key that is not null, in their order."""
        if not seek.nulls:
            return None
        keys = self._directed(backwards=seek.backwards)
        values = [None if null else next_slot(_AS_READ) for null in seek.nulls]
        parts = _parts(keys, values)
        return or_(false(), *parts) if seek.part is None else parts[seek.part]

    def _directed(self, *, backwards: bool) -> tuple[SortKey, ...]:
        return self._backwards if backwards else self.keys

    def _place(self, key: SortKey) -> int | None:
        """Return a key's place among the rows' columns, if it is there."""
        for place, field in enumerate(self._fields):
            if _clause(field).compare(key.expression):
                return place
        return None


def _clause(field: Field) -> ColumnElement[Any]:
    """Return a field's expression as it is in statements, without the ORM's attribute around it."""
    expression: Any = field.expression
    make = getattr(expression, "__clause_element__", None)
    return cast("ColumnElement[Any]", expression if make is None else make())


def _usually_first(descending: bool, dialect: Dialect) -> bool:  # noqa: FBT001 - a key's attribute
    """Return whether a database puts nulls first: to PostgreSQL they are the greatest values."""
    return descending == (dialect.name == "postgresql")


def _sort_key(term: Order, dialect: Dialect) -> SortKey:
    """Read a term of an ORDER BY."""
    expression, directions = undirected(term.clause())
    descending = operators.desc_op in directions
    nulls_first = _usually_first(descending, dialect)
    if operators.nulls_first_op in directions or operators.nulls_last_op in directions:
        nulls_first = operators.nulls_first_op in directions
    nullable = not isinstance(term, OrderTerm) or term.nullable
    return SortKey(expression, descending, nulls_first, nullable)


Value = ColumnElement[Any] | None
"""The slot of a key's value, or None for null."""


def _parts(keys: Sequence[SortKey], values: Sequence[Value]) -> list[ColumnElement[bool]]:
    """Return the conditions of the parts, in the order of their rows."""
    first, value = keys[0], values[0]
    if value is None:
        same = and_(first.is_null, _beyond(keys[1:], values[1:]))
        return [same, ~first.is_null] if first.nulls_first else [same]
    greater = _beyond_value(keys, values)
    return [greater, first.is_null] if first.nullable and not first.nulls_first else [greater]


def _beyond_value(keys: Sequence[SortKey], values: Sequence[Value]) -> ColumnElement[bool]:
    """Return the condition of rows after a first key that is not null, without those of null."""
    if _is_uniform(keys, values):
        return _row_comparison(keys, values)
    first, value = keys[0], values[0]
    assert value is not None  # noqa: S101 - the callers
    strict, loose = _comparisons(first)
    same = _compared(first.expression, value, operators.eq)
    greater = _compared(first.expression, value, strict)
    if len(keys) == 1:
        return greater
    # The first condition follows from the second, and is the one that an index can start at.
    return and_(
        _compared(first.expression, value, loose),
        or_(greater, and_(same, _beyond(keys[1:], values[1:]))),
    )


def _beyond(keys: Sequence[SortKey], values: Sequence[Value]) -> ColumnElement[bool]:
    """Return the condition of all rows after these keys."""
    return or_(*_parts(keys, values)) if keys else false()


def _is_uniform(keys: Sequence[SortKey], values: Sequence[Value]) -> bool:
    """Return whether a row comparison, ``(a, b) > (?, ?)``, has exactly the rows that follow.

    It has no row whose comparison meets a null before it is decided.
    """
    return all(
        value is not None
        and key.descending == keys[0].descending
        and (key.nulls_first or not key.nullable)
        for key, value in zip(keys, values, strict=True)
    )


def _row_comparison(keys: Sequence[SortKey], values: Sequence[Value]) -> ColumnElement[bool]:
    strict, _ = _comparisons(keys[0])
    if len(keys) == 1:
        assert values[0] is not None  # noqa: S101 - the callers
        return _compared(keys[0].expression, values[0], strict)
    row: Any = tuple_(*(key.expression for key in keys))
    return _compared(row, tuple_(*values), strict)


def _comparisons(key: SortKey) -> tuple[Any, Any]:
    """Return what compares with later rows, and with later rows and the same."""
    return (operators.lt, operators.le) if key.descending else (operators.gt, operators.ge)


def _compared(left: Any, right: Any, operator: Any) -> ColumnElement[bool]:
    """Return a comparison by the database's own operator, whatever the type makes of Python's."""
    return BinaryExpression(left.self_group(operator), right, operator, type_=Boolean())
