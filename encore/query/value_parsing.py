"""Parsing of a condition's values: one, several, two, literal text, or a flag."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from encore.database.expressions.text_search import MAX_PATTERN_LENGTH
from encore.database.search_index.conditions import MIN_TERM_LENGTH
from encore.models.fields import Field
from encore.models.types import InvalidValue, check_text
from encore.query.field_lookup import FieldPath, Search
from encore.query.filters import And, Condition, IsNull, Not, Or
from encore.query.indexed_search import IndexedSearch
from encore.query.operators import EQUALS, IN, OPERATORS, Operator
from encore.query.parameter_errors import invalid_parameter
from encore.query.parameter_suggestions import translate_postgrest_filter

MAX_VALUES: Final = 500
"""How many values one condition may have."""

ParsedCondition = tuple[Condition, list[Any]]
"""A condition and the driver values of its bind parameters."""


def parse_condition(
    name: str, target: FieldPath, operator: Operator, texts: Sequence[str]
) -> ParsedCondition:
    """Parse the condition of one parameter on one field.

    Args:
        name: The parameter's name, for messages.
        target: The field.
        operator: The comparison.
        texts: The values of the parameter; several values of ``eq`` mean any of them.

    Raises:
        InvalidQuery: A value is invalid for the field; names the parameter.
    """
    match operator.values:
        case "one" if operator is EQUALS:
            return any_of(name, target, IN, [c for t in texts for c in _choices(name, target, t)])
        case "one":
            return _one(name, target, operator, texts)
        case "many":
            return any_of(
                name, target, operator, [c for t in texts for c in _listed(name, target, t)]
            )
        case "two":
            return _two(name, target, operator, texts)
        case "flag":
            return _flag(name, target, texts)
        case _:
            return parse_text(name, target, operator, _last(name, texts))


def parse_search(search: Search, target: FieldPath, text: str) -> ParsedCondition:
    """Parse a search's text for one of its targets; ``null`` and JSON are literal text.

    Raises:
        InvalidQuery: The text is invalid for the field.
    """
    operator, name = search.operator, search.parameter
    last = FieldPath(target.field)
    if operator.values == "one":
        value = target.field.codec.driver_value(_typed(name, target.field, text))
        condition, values = last.condition(operator), [value]
    else:
        condition, values = parse_condition(name, last, operator, [text])
    return target.wrap(Not(condition) if search.negated else condition), values


def parse_indexed_search(parameter: str, index: IndexedSearch, text: str) -> ParsedCondition:
    """Parse a search's text for the search index.

    Raises:
        InvalidQuery: It is not valid text, or too short for the index.
    """
    try:
        check_text(text, MAX_PATTERN_LENGTH)
    except InvalidValue as error:
        raise invalid_parameter(parameter, str(error)) from error
    if len(text) < MIN_TERM_LENGTH:
        raise invalid_parameter(parameter, f"must be at least {MIN_TERM_LENGTH} characters long")
    return index, [index.value(text)]


def parse_literal(name: str, field: Field, text: str) -> Any:
    """Parse one value; ``null`` and JSON are text. Raises ``InvalidQuery``."""
    try:
        return field.codec.from_text(text)
    except InvalidValue as error:
        raise invalid_parameter(name, str(error)) from error


def parse_text(name: str, target: FieldPath, operator: Operator, text: str) -> ParsedCondition:
    """Parse text that is compared literally."""
    codec = target.field.codec
    try:
        check_text(text, MAX_PATTERN_LENGTH)
        if codec.text_operand is not None:
            text = _process(codec.text_operand, text)
    except InvalidValue as error:
        raise invalid_parameter(name, str(error)) from error
    value = text if operator.pattern is None else operator.pattern(text)
    return target.condition(operator), [value]


def _process(process: Callable[[Any], Any], text: str) -> str:
    """Return the text processed by its column's type. Raises ``InvalidValue``."""
    try:
        return str(process(text))
    except Exception as error:  # A custom type may raise anything.
        raise InvalidValue("is invalid", text) from error


def any_of(
    name: str, target: FieldPath, operator: Operator, choices: Sequence[Any]
) -> ParsedCondition:
    """Return ``=`` for one value, IN for several; null is IS NULL.

    Args:
        name: The parameter's name, for messages.
        target: The field.
        operator: ``in`` or ``not_in``.
        choices: The Python values; None is null.

    Raises:
        InvalidQuery: There are too many values.
    """
    if len(choices) > MAX_VALUES:
        raise invalid_parameter(name, f"may have at most {MAX_VALUES} values")
    values = [target.field.codec.driver_value(c) for c in choices if c is not None]
    negated = operator is not IN
    parts: list[Condition] = []
    if len(values) == 1:
        parts.append(target.condition(OPERATORS["ne" if negated else "eq"]))
    elif values or not choices:
        parts.append(target.condition(operator, len(values)))
    if len(values) < len(choices):
        null: Condition = target.wrap(IsNull(target.field))
        parts.append(Not(null) if negated else null)
    if len(parts) == 1:
        return parts[0], values
    return (And(tuple(parts)) if negated else Or(tuple(parts))), values


def _one(name: str, target: FieldPath, operator: Operator, texts: Sequence[str]) -> ParsedCondition:
    choices = _choices(name, target, _last(name, texts))
    if len(choices) != 1:
        raise invalid_parameter(name, "must be one value; __in and __not_in take several")
    (value,) = choices
    if value is not None:
        return target.condition(operator), [target.field.codec.driver_value(value)]
    if operator.applies_to == "order":
        raise invalid_parameter(
            name, 'must not be null, which has no order; the text is "null", in quotes'
        )
    return Not(target.wrap(IsNull(target.field))), []


def _two(name: str, target: FieldPath, operator: Operator, texts: Sequence[str]) -> ParsedCondition:
    ends = _listed(name, target, _last(name, texts))
    if len(ends) != 2 or None in ends:  # noqa: PLR2004 - between takes two
        raise invalid_parameter(name, "must be two values, a,b")
    return target.condition(operator, 2), [target.field.codec.driver_value(end) for end in ends]


def _flag(name: str, target: FieldPath, texts: Sequence[str]) -> ParsedCondition:
    text = _last(name, texts)
    if text not in ("true", "false"):
        raise invalid_parameter(name, "must be true or false")
    null = target.wrap(IsNull(target.field))
    return (null if text == "true" else Not(null)), []


def _last(name: str, texts: Sequence[str]) -> str:
    if len(texts) > 1:
        raise invalid_parameter(name, "must be given once")
    return texts[0]


def _choices(name: str, target: FieldPath, text: str) -> list[Any]:
    """Parse ``null``, a JSON array or string, or one literal value.

    A JSON string is for text with another meaning: ``"null"``, ``"[1]"``.
    """
    if text == "null":
        return [None]
    if text[:1] in ("[", '"'):
        match _json(text):
            case list(items):
                return [None if i is None else _from_json(name, target.field, i) for i in items]
            case str(string):
                return [_from_json(name, target.field, string)]
    return [_typed(name, target.field, text)]


def _listed(name: str, target: FieldPath, text: str) -> list[Any]:
    """Parse ``a,b,c``, or a JSON array for values with commas."""
    if text[:1] == "[" and isinstance(_json(text), list):
        return _choices(name, target, text)
    return [None if t == "null" else _typed(name, target.field, t) for t in text.split(",")]


def _typed(name: str, field: Field, text: str) -> Any:
    try:
        return field.codec.from_text(text)
    except InvalidValue as error:
        ours = translate_postgrest_filter(name, text) if name.endswith(field.name) else None
        hint = "" if ours is None else f"; did you mean {ours}?"
        raise invalid_parameter(name, f"{error}{hint}") from error


def _from_json(name: str, field: Field, item: Any) -> Any:
    try:
        return field.codec.from_json(item)
    except InvalidValue as error:
        raise invalid_parameter(name, str(error)) from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
