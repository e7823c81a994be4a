"""The operators of json-server 0.17."""

import re
from typing import Final

from encore.dialects.conditions import (
    AT_LEAST,
    AT_MOST,
    DialectOperator,
    Texts,
    contains_any,
    equals_any,
    has_other_value,
)
from encore.query.field_lookup import FieldPath
from encore.query.operators import EQUALS, ILIKE, OPERATORS
from encore.query.parameter_errors import invalid_parameter
from encore.query.value_parsing import ParsedCondition

_REGULAR_EXPRESSION: Final = re.compile(r"[.^$|?*+(){}\[\]\\]")
_ESCAPED: Final = re.compile(r"\\([^\w\s])")


def contains_plain(parameter: str, target: FieldPath, texts: Texts) -> ParsedCondition:
    """Return the condition that the text contains one of the texts, in any ASCII case.

    A text is a regular expression; only those that mean plain text are supported.

    Raises:
        InvalidQuery: It is another regular expression.
    """
    plain = []
    for text in texts:
        parts = _ESCAPED.split(text or "")
        if any(_REGULAR_EXPRESSION.search(part) for part in parts[::2]):
            raise invalid_parameter(
                parameter,
                "is a regular expression in json-server, of which only plain text is supported:"
                " write a backslash before punctuation",
            )
        plain.append("".join(parts))
    return contains_any(parameter, target, plain)


EQUALITY: Final = DialectOperator("", EQUALS, equals_any)
OTHERS: Final = (
    DialectOperator("_gte", OPERATORS["gte"], AT_LEAST),
    DialectOperator("_lte", OPERATORS["lte"], AT_MOST),
    DialectOperator("_ne", EQUALS, has_other_value),
)
LIKE: Final = DialectOperator("_like", ILIKE, contains_plain)
