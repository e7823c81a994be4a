"""Keyset pagination: the rows of an order that come after (or before) the sort keys of a row.

OFFSET reads and drops every row before the page; a condition on the sort keys lets an index start
at the page. A ``KeysetOrder`` is one order as its sort keys: it finds them in a row, builds the
condition, and builds the reverse order. Every sortable expression is supported: fields of related
rows, mixed directions, nulls, SQL expressions, the order of a relationship.

A null among the keys changes the SQL, so a ``KeysetCondition`` (a condition without its values)
says which of them are null. Keys are driver values: they are bound as they were read, without a
conversion.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import ColumnElement, Dialect, Select, or_
from sqlalchemy.types import UserDefinedType

from encore.database.statement import Row
from encore.models.fields import Field, Fields
from encore.query.filters import NextParam, Order, RawOrder
from encore.query.keyset_conditions import conditions_after, conditions_of_all, follows_in_two_parts
from encore.query.sort_keys import SortKey, keys_of_nulls, keys_of_values, sort_key

SortKeyValues = tuple[Any, ...]
"""The sort keys of a row in the order's order, as the driver gave them."""


class UncastType(UserDefinedType[Any]):
    """The type of a bound sort key: without a cast, so that the database takes the key's own.

    A cast could round or truncate it (``NUMERIC(10, 2)``), or keep an index from being used.
    """

    cache_ok = True


_AS_READ: Final = UncastType()


class KeysetCondition(NamedTuple):
    """The shape of a keyset condition.

    Attributes:
        nulls: Which of the keys are null; empty from the first row on.
        backwards: Whether the rows before the keys are meant, the nearest first.
        part: Which part of the rows (see ``KeysetOrder.seeks``); None for all of them at once.
    """

    nulls: tuple[bool, ...] = ()
    backwards: bool = False
    part: int | None = None


ALL_ROWS: Final = KeysetCondition()
"""All rows; the statement also selects the keys that are not among their columns."""


class KeysetOrder:
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
        terms = (term.expression for term in order if isinstance(term, RawOrder))
        self.usable = all(isinstance(term, ColumnElement) for term in terms)

    @cached_property
    def keys(self) -> tuple[SortKey, ...]:
        """The sort keys; none where they are not known."""
        tables = self._fields.mapped.tables
        terms = self._order if self.usable else ()
        return tuple(sort_key(term, self._dialect, tables) for term in terms)

    @cached_property
    def width(self) -> int:
        """How many columns a row has, without those of ``extra``."""
        return len(list(self._fields))

    @cached_property
    def extra(self) -> tuple[ColumnElement[Any], ...]:
        """The keys that are not among the rows' columns, to be selected behind them."""
        pairs = zip(self.keys, self._places, strict=True)
        return tuple(key.expression for key, place in pairs if place >= self.width)

    def of_row(self, row: Row) -> SortKeyValues:
        """Return the sort keys of a row; ``extra`` must have been selected with it."""
        return tuple([row[place] for place in self._places])

    @cached_property
    def all_seeks(self) -> tuple[KeysetCondition, ...]:
        """The conditions of all rows: two where the first key divides them, or else one."""
        if self.usable and follows_in_two_parts(self.keys[0], null=None):
            return (KeysetCondition(part=0), KeysetCondition(part=1))
        return (ALL_ROWS,)

    def seeks(self, keys: SortKeyValues, *, backwards: bool = False) -> tuple[KeysetCondition, ...]:
        """Return the conditions whose rows, one after the other, come after (before) these keys.

        There can be two where the first key may be null (``seek_conditions``). The values of each
        of them are ``values_of(keys)``.

        Args:
            keys: Of the row before.
            backwards: Whether the rows before the keys are meant.
        """
        nulls = tuple([key is None for key in keys])
        first = self._directed(backwards=backwards)[0]
        if not follows_in_two_parts(first, null=nulls[0]):
            return (KeysetCondition(nulls, backwards),)
        return (KeysetCondition(nulls, backwards, 0), KeysetCondition(nulls, backwards, 1))

    @staticmethod
    def values_of(keys: SortKeyValues) -> SortKeyValues:
        """Return what the slots of a condition are bound to: the keys that are not null."""
        return tuple([key for key in keys if key is not None])

    def narrowed(
        self, rows: Select[Any], seek: KeysetCondition | None, next_param: NextParam
    ) -> Select[Any]:
        """Return the SELECT with the condition and the order of a seek, and with ``extra``.

        It takes one slot for each key that is not null, in their order. Without a seek there is
        the order alone.
        """
        if seek is None or not self.usable:
            return rows.order_by(*(term.clause() for term in self._order))
        keys: Sequence[SortKey] = self._directed(backwards=seek.backwards)
        rows = rows.add_columns(*self.extra)
        if seek.nulls:
            values = [None if null else next_param(_AS_READ) for null in seek.nulls]
            parts = conditions_after(keys, values)
        elif seek.part is not None:
            parts = conditions_of_all(keys)
        else:
            return rows.order_by(*(key.clause for key in keys))
        if seek.part is not None or len(parts) == 1:
            parts, keys = [parts[seek.part or 0]], self._keys_of(seek, keys)
        return rows.where(or_(*parts)).order_by(*(key.clause for key in keys))

    def _keys_of(self, seek: KeysetCondition, keys: Sequence[SortKey]) -> Sequence[SortKey]:
        """Return what the rows of one part are ordered by."""
        begins_with_nulls = seek.nulls[0] if seek.nulls else keys[0].nulls_first
        if begins_with_nulls == (not seek.part):
            return keys_of_nulls(keys, self._fields.mapped.tables)
        return keys_of_values(keys)

    def _directed(self, *, backwards: bool) -> tuple[SortKey, ...]:
        return self._backwards if backwards else self.keys

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
