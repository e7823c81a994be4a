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
"""The sort keys of a row, as driver values in the order of the sort keys."""


class UncastType(UserDefinedType[Any]):
    """The type of a bound sort key, without a cast: the database infers the column's type.

    A cast could round or truncate the key (``NUMERIC(10, 2)``), or prevent the use of an index.
    """

    cache_ok = True


_UNCAST: Final = UncastType()


class KeysetCondition(NamedTuple):
    """The condition of the rows after or before a row, without the values of its sort keys.

    Attributes:
        nulls: Which of the keys are null; empty to begin with the first row.
        backwards: Whether it selects the rows before the keys, in reverse order.
        part: Which of two parts (see ``KeysetOrder.conditions_after``); None for all rows at once.
    """

    nulls: tuple[bool, ...] = ()
    backwards: bool = False
    part: int | None = None


ALL_ROWS: Final = KeysetCondition()
"""The condition of all rows; their statement also selects ``KeysetOrder.extra_columns``."""


class KeysetOrder:
    """An order as sort keys, for keyset pagination.

    Args:
        order: The order; it ends with the primary key, so that sort keys are unique.
        fields: The columns of the rows.
        dialect: The dialect of the statements.

    Attributes:
        is_supported: Whether the sort keys are known; not for an order that is a ``text()``.
    """

    def __init__(self, order: tuple[Order, ...], fields: Fields, dialect: Dialect) -> None:
        self._order = order
        self._fields = fields
        self._dialect = dialect
        terms = (term.expression for term in order if isinstance(term, RawOrder))
        self.is_supported = all(isinstance(term, ColumnElement) for term in terms)

    @cached_property
    def keys(self) -> tuple[SortKey, ...]:
        """The sort keys; empty if they are not known."""
        tables = self._fields.mapped.tables
        terms = self._order if self.is_supported else ()
        return tuple(sort_key(term, self._dialect, tables) for term in terms)

    @cached_property
    def width(self) -> int:
        """How many columns a row has, without ``extra_columns``."""
        return len(list(self._fields))

    @cached_property
    def extra_columns(self) -> tuple[ColumnElement[Any], ...]:
        """The sort keys that are not among the rows' columns, to be selected after them."""
        pairs = zip(self.keys, self._indexes, strict=True)
        return tuple(key.expression for key, index in pairs if index >= self.width)

    def keys_of_row(self, row: Row) -> SortKeyValues:
        """Return the sort keys of a row that was selected with ``extra_columns``."""
        return tuple([row[index] for index in self._indexes])

    @cached_property
    def conditions_of_all(self) -> tuple[KeysetCondition, ...]:
        """The conditions that select all rows one after the other: one or two parts."""
        if self.is_supported and follows_in_two_parts(self.keys[0], null=None):
            return (KeysetCondition(part=0), KeysetCondition(part=1))
        return (ALL_ROWS,)

    def conditions_after(
        self, keys: SortKeyValues, *, backwards: bool = False
    ) -> tuple[KeysetCondition, ...]:
        """Return the conditions that select, one after the other, the rows after these keys.

        There can be two if the first key may be null (``keyset_conditions``). The values of each
        are ``bound_values(keys)``.

        Args:
            keys: The sort keys of a row.
            backwards: Whether to select the rows before the keys.
        """
        nulls = tuple([key is None for key in keys])
        first = self._directed(backwards=backwards)[0]
        if not follows_in_two_parts(first, null=nulls[0]):
            return (KeysetCondition(nulls, backwards),)
        return (KeysetCondition(nulls, backwards, 0), KeysetCondition(nulls, backwards, 1))

    @staticmethod
    def bound_values(keys: SortKeyValues) -> SortKeyValues:
        """Return the values of a condition's bind parameters: the keys that are not null."""
        return tuple([key for key in keys if key is not None])

    def apply(
        self, rows: Select[Any], condition: KeysetCondition | None, next_param: NextParam
    ) -> Select[Any]:
        """Return the SELECT with a condition, its order and ``extra_columns``.

        It has one bind parameter for each key that is not null. Without a condition, only the
        order is applied.
        """
        if condition is None or not self.is_supported:
            return rows.order_by(*(term.clause() for term in self._order))
        keys: Sequence[SortKey] = self._directed(backwards=condition.backwards)
        rows = rows.add_columns(*self.extra_columns)
        if condition.nulls:
            values = [None if null else next_param(_UNCAST) for null in condition.nulls]
            parts = conditions_after(keys, values)
        elif condition.part is not None:
            parts = conditions_of_all(keys)
        else:
            return rows.order_by(*(key.clause for key in keys))
        if condition.part is not None or len(parts) == 1:
            parts, keys = [parts[condition.part or 0]], self._keys_of_part(condition, keys)
        return rows.where(or_(*parts)).order_by(*(key.clause for key in keys))

    def _keys_of_part(
        self, condition: KeysetCondition, keys: Sequence[SortKey]
    ) -> Sequence[SortKey]:
        """Return the sort keys of the rows of one part."""
        begins_with_nulls = condition.nulls[0] if condition.nulls else keys[0].nulls_first
        if begins_with_nulls == (not condition.part):
            return keys_of_nulls(keys, self._fields.mapped.tables)
        return keys_of_values(keys)

    def _directed(self, *, backwards: bool) -> tuple[SortKey, ...]:
        return self._backwards if backwards else self.keys

    @cached_property
    def _backwards(self) -> tuple[SortKey, ...]:
        return tuple(key.reversed() for key in self.keys)

    @cached_property
    def _indexes(self) -> tuple[int, ...]:
        """The indexes of the keys in a row: among its columns, or after them."""
        extra, indexes = self.width, []
        for key in self.keys:
            index = self._index(key)
            indexes.append(extra if index is None else index)
            extra += index is None
        return tuple(indexes)

    def _index(self, key: SortKey) -> int | None:
        """Return the index of a key among the rows' columns; None if it is not among them."""
        for index, field in enumerate(self._fields):
            if _clause(field).compare(key.expression):
                return index
        return None


def _clause(field: Field) -> ColumnElement[Any]:
    """Return a field's expression without the ORM attribute around it, as in statements."""
    expression: Any = field.expression
    make = getattr(expression, "__clause_element__", None)
    return cast("ColumnElement[Any]", expression if make is None else make())
