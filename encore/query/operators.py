"""Filter operators (``field__gte=5``), each with its SQL, its values and its OpenAPI description.

``field=value`` is ``eq``. Text operators take text literally: ``%`` and ``_`` are not wildcards.
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
    """A comparison operator.

    Attributes:
        name: The suffix after ``__``.
        description: What it does, for OpenAPI.
        build: Returns the SQL for a column and bind parameters.
        values: How its text is parsed: ``one``, ``many``, ``two``, ``text`` or ``flag``.
        applies_to: Which columns have it: ``any``, ``order`` or ``text``.
        pattern: Returns the bound LIKE pattern of a text; None to bind the text.
    """

    name: str
    description: str
    build: Build
    values: str = "one"
    applies_to: str = "any"
    pattern: Callable[[str], str] | None = None

    def supports(self, field: Field) -> bool:
        """Return whether a field has this operator."""
        codec = field.codec
        if self.values == "flag":
            return True
        if not codec.is_comparable:
            return False
        if self.applies_to == TEXT:
            return codec.is_text
        # Enums have no order: databases differ in whether it is that of members or of names.
        return self.applies_to == "any" or codec.is_ordered

    def param_type(self, column: Column) -> TypeEngine[Any]:
        """Return the SQL type of its bind parameters."""
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
    # SQLAlchemy compiles an empty IN only when its values are known.
    return column.in_(params) if params else false()


def _not_among(column: Column, params: Params) -> ColumnElement[bool]:
    return or_(column.not_in(params), column.is_(None)) if params else true()


def _like(column: Column, params: Params) -> ColumnElement[bool]:
    return like_any_case(column, params[0])


_ALL: Final = (
    Operator("eq", "is", lambda c, s: c == s[0]),
    Operator("ne", "is not; null counts as another value", lambda c, s: c.is_distinct_from(s[0])),
    Operator("gt", "is greater than", lambda c, s: c > s[0], applies_to="order"),
    Operator("gte", "is at least", lambda c, s: c >= s[0], applies_to="order"),
    Operator("lt", "is less than", lambda c, s: c < s[0], applies_to="order"),
    Operator("lte", "is at most", lambda c, s: c <= s[0], applies_to="order"),
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
IS_NULL: Final = OPERATORS["is_null"]
ILIKE: Final = OPERATORS["ilike"]
SEPARATOR: Final = "__"
