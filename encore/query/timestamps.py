"""Comparisons of timestamps that SQLite stores in several forms (``database.sqlite.timestamps``).

Equal means between the shortest and the longest form, greater means greater than the longest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy.sql.schema import ColumnElementColumnDefault

from encore.models.fields import Field

Element = ColumnElement[Any]
Range = tuple[Element, Element]


def compare_timestamps(
    field: Field, column: Element, operator: str, values: Sequence[Element]
) -> ColumnElement[bool] | None:
    """Return the comparison of a column with values; None if each value has one stored form.

    Args:
        field: The column's field.
        column: The column of the table or of an alias.
        operator: The operator's name.
        values: The operands.
    """
    range_of = field.codec.timestamp_range
    compare = _COMPARISONS.get(operator)
    if range_of is None or compare is None:
        return None
    return compare(column, [range_of(value) for value in values])


def has_several_forms(field: Field) -> bool:
    """Return whether SQL writes timestamps of the column, in another form than the service.

    Such values cannot be sorted by their text.
    """
    column = field.column
    written_by_sql = (
        isinstance(column.default, ColumnElementColumnDefault)
        or isinstance(column.onupdate, ColumnElementColumnDefault)
        or column.server_default is not None
        or column.server_onupdate is not None
    )
    return field.codec.timestamp_range is not None and written_by_sql


def _equal(column: Element, value: Range) -> ColumnElement[bool]:
    return column.between(*value)


def _among(column: Element, values: Sequence[Range]) -> ColumnElement[bool]:
    return or_(false(), *(_equal(column, value) for value in values))


def _not_among(column: Element, values: Sequence[Range]) -> ColumnElement[bool]:
    others = (~_equal(column, value) for value in values)
    return or_(and_(true(), *others), column.is_(None))


_COMPARISONS: Final[Mapping[str, Callable[[Element, Sequence[Range]], ColumnElement[bool]]]] = {
    "eq": lambda column, values: _equal(column, values[0]),
    "ne": _not_among,
    "gt": lambda column, values: column > values[0][1],
    "gte": lambda column, values: column >= values[0][0],
    "lt": lambda column, values: column < values[0][0],
    "lte": lambda column, values: column <= values[0][1],
    "between": lambda column, values: column.between(values[0][0], values[1][1]),
    "in": _among,
    "not_in": _not_among,
}
