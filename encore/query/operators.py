"""Operators: ``field__gte=5`` and its kin, each with its SQL, its values and its OpenAPI form.

Plain ``field=value`` is ``eq``. Text operators take text as it stands: ``%`` and ``_`` are letters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, String, and_, false, func, or_, true
from sqlalchemy.types import TypeEngine

from encore.database.expressions.text_search import (
    contains,
    like_any_case,
    pattern_containing,
    pattern_ending,
    pattern_starting,
)
from encore.models.fields import Field

Column = ColumnElement[Any]
Params = Sequence[BindParameter[Any]]
Build = Callable[[Column, Params], ColumnElement[bool]]

TEXT: Final = "text"


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison.

    Attributes:
        name: Behind the two underscores.
        says: What it does, for OpenAPI.
        build: Makes the SQL from a column and its slots.
        values: How its text is read: ``one``, ``many``, ``two``, ``text`` or ``flag``.
        fits: Which columns have it: ``any``, ``order`` or ``text``.
        pattern: Makes what is bound of the text given; None where that is the text itself.
    """

    name: str
    says: str
    build: Build
    values: str = "one"
    fits: str = "any"
    pattern: Callable[[str], str] | None = None

    def of(self, field: Field) -> bool:
        """Tell whether a field has this operator."""
        codec = field.codec
        if self.values == "flag":
            return True
        if not codec.is_comparable:
            return False
        if self.fits == TEXT:
            return codec.is_text
        # Not for enums: one database knows their order, the other that of their names.
        return self.fits == "any" or codec.is_ordered

    def param_type(self, column: Column) -> TypeEngine[Any]:
        """Give the SQL type that its slots have."""
        return String() if self.values == TEXT else column.type


def _starts(column: Column, params: Params) -> ColumnElement[bool]:
    (text,) = params
    same: ColumnElement[bool] = func.substr(column, 1, func.length(text)) == text
    return same


def _ends(column: Column, params: Params) -> ColumnElement[bool]:
    (text,) = params
    tail = func.substr(column, func.length(column) - func.length(text) + 1)
    return and_(func.length(column) >= func.length(text), tail == text)


def _among(column: Column, params: Params) -> ColumnElement[bool]:
    # SQLAlchemy's own form of an empty IN is not compiled before its values are known.
    return column.in_(params) if params else false()


def _not_among(column: Column, params: Params) -> ColumnElement[bool]:
    return or_(column.not_in(params), column.is_(None)) if params else true()


def _like(column: Column, params: Params) -> ColumnElement[bool]:
    return like_any_case(column, params[0])


_ALL: Final = (
    Operator("eq", "is", lambda c, s: c == s[0]),
    Operator("ne", "is not; null counts as another value", lambda c, s: c.is_distinct_from(s[0])),
    Operator("gt", "is greater than", lambda c, s: c > s[0], fits="order"),
    Operator("gte", "is at least", lambda c, s: c >= s[0], fits="order"),
    Operator("lt", "is less than", lambda c, s: c < s[0], fits="order"),
    Operator("lte", "is at most", lambda c, s: c <= s[0], fits="order"),
    Operator(
        "between",
        "is from a to b, both included",
        lambda c, s: c.between(s[0], s[1]),
        "two",
        "order",
    ),
    Operator("in", "is one of", _among, "many"),
    Operator("not_in", "is none of; null counts as another value", _not_among, "many"),
    Operator("like", "contains", lambda c, s: contains(c, s[0]), TEXT, TEXT),
    Operator("ilike", "contains, in any ASCII case", _like, TEXT, TEXT, pattern_containing),
    Operator("istartswith", "starts with, in any ASCII case", _like, TEXT, TEXT, pattern_starting),
    Operator("iendswith", "ends with, in any ASCII case", _like, TEXT, TEXT, pattern_ending),
    Operator("startswith", "starts with", _starts, TEXT, TEXT),
    Operator("endswith", "ends with", _ends, TEXT, TEXT),
    Operator("is_null", "is null (true) or is not (false)", lambda c, _: c.is_(None), "flag"),
)

OPERATORS: Final[Mapping[str, Operator]] = {operator.name: operator for operator in _ALL}
EQUALS: Final = OPERATORS["eq"]
IN: Final = OPERATORS["in"]
ILIKE: Final = OPERATORS["ilike"]
SEPARATOR: Final = "__"
