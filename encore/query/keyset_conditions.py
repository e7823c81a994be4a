"""The SQL conditions of keyset pagination: the rows after the sort keys of a row.

If the first key may be null, the rows follow in two parts, nulls and values, in either order. Each
part is a condition: an index cannot be used for ``a > ? OR a IS NULL``, but for each of its sides.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, and_, false, or_, tuple_
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression

from encore.query.sort_keys import SortKey

SortKeys = Sequence[SortKey]
Value = ColumnElement[Any] | None
"""The bind parameter of a key, or None for null."""


def follows_in_two_parts(first: SortKey, *, null: bool | None) -> bool:
    """Return whether the following rows are in two parts.

    Args:
        first: The first key.
        null: Whether its value is null; None for all rows of the order.
    """
    if null is None:
        return first.splits_nulls
    return first.nulls_first if null else first.nullable and not first.nulls_first


def conditions_of_all(keys: SortKeys) -> list[ColumnElement[bool]]:
    """Return the conditions of the two parts of all rows, in their order."""
    first = keys[0]
    return [first.is_null, ~first.is_null] if first.nulls_first else [~first.is_null, first.is_null]


def conditions_after(keys: SortKeys, values: Sequence[Value]) -> list[ColumnElement[bool]]:
    """Return the conditions of the one or two parts of the rows after these values."""
    first, is_null = keys[0], values[0] is None
    if is_null:
        following = and_(first.is_null, _after(keys[1:], values[1:]))
    else:
        following = _after_value(keys, values)
    in_two_parts = follows_in_two_parts(first, null=is_null)
    return [following, conditions_of_all(keys)[1]] if in_two_parts else [following]


def _after(keys: SortKeys, values: Sequence[Value]) -> ColumnElement[bool]:
    """Return the condition of all rows after these values."""
    return or_(*conditions_after(keys, values)) if keys else false()


def _after_value(keys: SortKeys, values: Sequence[Value]) -> ColumnElement[bool]:
    """Return the condition of rows after a first key that is not null, without null first keys."""
    first, value = keys[0], values[0]
    strict, loose = _comparisons(first)
    if len(keys) == 1:
        return _compared(first.expression, value, strict)
    if _is_uniform(keys, values):
        return _compared(tuple_(*(key.expression for key in keys)), tuple_(*values), strict)
    greater = _compared(first.expression, value, strict)
    same = _compared(first.expression, value, operators.eq)
    # The first condition is implied by the second; an index can be used for it.
    return and_(
        _compared(first.expression, value, loose),
        or_(greater, and_(same, _after(keys[1:], values[1:]))),
    )


def _is_uniform(keys: SortKeys, values: Sequence[Value]) -> bool:
    """Return whether a row comparison, ``(a, b) > (?, ?)``, selects exactly the following rows.

    A row comparison is unknown if it meets a null before it is decided: rows with a null first key
    are excluded anyway, and nulls of the other keys must not follow values.
    """
    descending = keys[0].descending
    return all(
        value is not None and key.descending == descending
        for key, value in zip(keys, values, strict=True)
    ) and all(key.nulls_first or not key.nullable for key in keys[1:])


def _comparisons(key: SortKey) -> tuple[Any, Any]:
    """Return the operators for later rows, and for later or equal rows."""
    return (operators.lt, operators.le) if key.descending else (operators.gt, operators.ge)


def _compared(left: Any, right: Any, operator: Any) -> ColumnElement[bool]:
    """Return a comparison with the database's operator, even if the type overloads Python's."""
    return BinaryExpression(left.self_group(operator), right, operator, type_=Boolean())
