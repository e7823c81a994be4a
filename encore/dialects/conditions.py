"""Conditions in a dialect: what its operators mean, as conditions of our query language.

Values are literal: ``null`` and ``[1]`` are text, unlike in our own language. Several values of
one operator are alternatives, except those of an operator that excludes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from encore.query.field_lookup import FieldLookup, FieldPath
from encore.query.filters import Comparison, Not, Or
from encore.query.operators import EQUALS, ILIKE, IN, OPERATORS, Operator
from encore.query.parameter_errors import invalid_parameter
from encore.query.value_parsing import (
    MAX_VALUES,
    ParsedCondition,
    any_of,
    parse_literal,
    parse_text,
)

Texts = Sequence[str | None]
"""The values of a condition as text; None is null."""

Build = Callable[[str, FieldPath, Texts], ParsedCondition]
"""Returns the condition of a parameter (for messages), a field and values."""


@dataclass(frozen=True, slots=True)
class DialectOperator:
    """An operator of a dialect.

    Attributes:
        suffix: What follows the field's name: ``_gte``; empty for equality.
        needs: The operator of our language that the field must have.
        build: Returns the condition.
    """

    suffix: str
    needs: Operator
    build: Build

    def supports(self, target: FieldPath) -> bool:
        """Return whether a field has this operator."""
        return self.needs.supports(target.field)


def find_operator(
    lookup: FieldLookup, operators: Mapping[str, DialectOperator], name: str
) -> tuple[FieldPath, DialectOperator] | None:
    """Return the field and the operator that a name means; None if it means none.

    Args:
        lookup: The fields.
        operators: The operators by suffix; the empty one is equality.
        name: ``price``, ``author.name``, ``price_gte``.
    """
    target = lookup.find(name)
    if target is not None:
        operator = operators[""]
        return (target, operator) if operator.supports(target) else None
    for suffix, operator in operators.items():
        if suffix and name.endswith(suffix):
            target = lookup.find(name.removesuffix(suffix))
            if target is not None and operator.supports(target):
                return target, operator
    return None


def equals_any(parameter: str, target: FieldPath, texts: Texts) -> ParsedCondition:
    """Return the condition that the field has one of the values."""
    return any_of(parameter, target, IN, _values(parameter, target, texts))


def differs_from_all(parameter: str, target: FieldPath, texts: Texts) -> ParsedCondition:
    """Return the condition that the field has none of the values; null counts as another value."""
    return any_of(parameter, target, OPERATORS["not_in"], _values(parameter, target, texts))


def has_other_value(parameter: str, target: FieldPath, texts: Texts) -> ParsedCondition:
    """Return the condition that the field has a value, and none of these."""
    _check_number(parameter, texts)
    values = [target.field.codec.driver_value(v) for v in _values(parameter, target, texts)]
    operator = EQUALS if len(values) == 1 else IN
    return target.wrap(Not(Comparison(target.field, operator, len(values)))), values


def compares(operator: Operator) -> Build:
    """Return the builder of a comparison by order."""

    def build(parameter: str, target: FieldPath, texts: Texts) -> ParsedCondition:
        _check_number(parameter, texts)
        if None in texts:
            raise invalid_parameter(parameter, "must not be null, which has no order")
        values = [target.field.codec.driver_value(v) for v in _values(parameter, target, texts)]
        return _alternatives([(target.condition(operator), [value]) for value in values])

    return build


def contains_any(parameter: str, target: FieldPath, texts: Texts) -> ParsedCondition:
    """Return the condition that the text contains one of the texts, in any ASCII case."""
    _check_number(parameter, texts)
    parts = []
    for text in texts:
        if text is None:
            raise invalid_parameter(parameter, "must be text")
        parts.append(parse_text(parameter, target, ILIKE, text))
    return _alternatives(parts)


def _values(parameter: str, target: FieldPath, texts: Texts) -> list[Any]:
    field = target.field
    return [None if text is None else parse_literal(parameter, field, text) for text in texts]


def _check_number(parameter: str, texts: Texts) -> None:
    if len(texts) > MAX_VALUES:
        raise invalid_parameter(parameter, f"may have at most {MAX_VALUES} values")


def _alternatives(parts: Sequence[ParsedCondition]) -> ParsedCondition:
    if len(parts) == 1:
        return parts[0]
    return Or(tuple(condition for condition, _ in parts)), [v for _, vs in parts for v in vs]


AT_LEAST: Final = compares(OPERATORS["gte"])
AT_MOST: Final = compares(OPERATORS["lte"])
MORE: Final = compares(OPERATORS["gt"])
LESS: Final = compares(OPERATORS["lt"])
