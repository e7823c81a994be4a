"""The conditions of keyset pagination: the SQL of the rows that follow the keys of one.

Where the first key may be null, the rows follow in two parts, the nulls and the values, in one
order or the other. Each has a condition of its own: ``a > ? OR a IS NULL`` says no place at which
an index starts, each of its sides says one.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, and_, false, or_, tuple_
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression

from encore.query.sort_keys import SortKey

SortKeys = Sequence[SortKey]
Value = ColumnElement[Any] | None
"""The slot of a key's value, or None for null."""


def follows_in_two_parts(first: SortKey, *, null: bool | None) -> bool:
    """Return whether the rows that follow are in two parts.

    Args:
        first: The first key.
        null: Whether its value is null; None where all rows of the order are meant.
    """
    if null is None:
        return first.divides
    return first.nulls_first if null else first.nullable and not first.nulls_first


def conditions_of_all(keys: SortKeys) -> list[ColumnElement[bool]]:
    """Return the conditions of the two parts of all rows, nulls and values."""
    first = keys[0]
    return [first.is_null, ~first.is_null] if first.nulls_first else [~first.is_null, first.is_null]


def conditions_after(keys: SortKeys, values: Sequence[Value]) -> list[ColumnElement[bool]]:
    """Return the conditions of the parts of the rows after these values."""
    first, is_null = keys[0], values[0] is None
    if is_null:
        following = and_(first.is_null, _after(keys[1:], values[1:]))
    else:
        following = _after_value(keys, values)
    divided = follows_in_two_parts(first, null=is_null)
    return [following, conditions_of_all(keys)[1]] if divided else [following]


def _after(keys: SortKeys, values: Sequence[Value]) -> ColumnElement[bool]:
    """Return the condition of all rows after these values."""
    return or_(*conditions_after(keys, values)) if keys else false()


def _after_value(keys: SortKeys, values: Sequence[Value]) -> ColumnElement[bool]:
    """Return the condition of rows after a first key that is not null, without those of null."""
    first, value = keys[0], values[0]
    strict, loose = _comparisons(first)
    if len(keys) == 1:
        return _compared(first.expression, value, strict)
    if _is_uniform(keys, values):
        return _compared(tuple_(*(key.expression for key in keys)), tuple_(*values), strict)
    greater = _compared(first.expression, value, strict)
    same = _compared(first.expression, value, operators.eq)
    # The first condition follows from the second, and is the one that an index can start at.
    return and_(
        _compared(first.expression, value, loose),
        or_(greater, and_(same, _after(keys[1:], values[1:]))),
    )


def _is_uniform(keys: SortKeys, values: Sequence[Value]) -> bool:
    """Return whether a row comparison, ``(a, b) > (?, ?)``, has exactly the rows that follow.

    It has no row whose comparison meets a null before it is decided: those of the first key are
    not meant, and those of the others must not follow.
    """
    descending = keys[0].descending
    return all(
        value is not None and key.descending == descending
        for key, value in zip(keys, values, strict=True)
    ) and all(key.nulls_first or not key.nullable for key in keys[1:])


def _comparisons(key: SortKey) -> tuple[Any, Any]:
    """Return what compares with later rows, and with later rows and the same."""
    return (operators.lt, operators.le) if key.descending else (operators.gt, operators.ge)


def _compared(left: Any, right: Any, operator: Any) -> ColumnElement[bool]:
    """Return a comparison by the database's own operator, whatever the type makes of Python's."""
    return BinaryExpression(left.self_group(operator), right, operator, type_=Boolean())
