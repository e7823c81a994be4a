"""Query parameters: Python values in the notation of lists.

A value of Python means itself: ``name=None`` is null, and ``name="null"`` the text, which the
notation writes in quotes.
"""

import json
from collections.abc import Iterable, Mapping
from keyword import iskeyword
from typing import Any, Final

from encore.client.encoding import encode_scalar
from encore.client.errors import UsageError

_JOINED: Final = frozenset({"sort", "fields", "children", "on"})
"""Parameters whose values are names, with commas between them."""

_LITERAL: Final = _JOINED | {
    "q",
    "or",
    "not",
    "preset",
    "cursor",
    "deleted",
    "as_of",
    "on_conflict",
}
"""Parameters in which ``null`` and JSON have no other meaning than their text."""

_COMPARED: Final = frozenset({"eq", "ne", "gt", "gte", "lt", "lte"})
_LISTED: Final = frozenset({"in", "not_in", "between"})


def encode_query(parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return names and texts of a query.

    Args:
        parameters: Values by name: strings, numbers, booleans, dates, UUIDs, None for null, and
            lists: of names for ``sort``, ``fields``, ``children`` and ``on``, otherwise of values,
            one of which must match.

    Raises:
        UsageError: A value is of another kind.
    """
    return tuple(pair for name, value in parameters.items() for pair in _encode(name, value))


def keyword_parameters(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return keyword arguments as parameters: ``or_`` is ``or``, as with every word of Python."""
    return {_parameter_name(name): value for name, value in keywords.items()}


def _parameter_name(keyword: str) -> str:
    word = keyword.removesuffix("_")
    return word if iskeyword(word) else keyword


def _encode(name: str, value: Any) -> Iterable[tuple[str, str]]:
    operator = name.rpartition("__")[2] if "__" in name else ""
    if not isinstance(value, list | tuple | set | frozenset | range):
        return [(name, _encode_one(name, operator, value))]
    texts = [_text(name, item) for item in value]
    if name in _JOINED:
        return [(name, ",".join(texts))]
    if operator in _LISTED:
        return [(name, _encode_list(value, texts))]
    if not texts:  # One of no values: no row matches.
        return [(name, "[]")]
    return [(name, _encode_one(name, operator, item)) for item in value]


def _encode_one(name: str, operator: str, value: Any) -> str:
    text = _text(name, value)
    is_compared = operator in _COMPARED or not (operator or "." in name or name in _LITERAL)
    if is_compared and value is not None and _has_another_meaning(text):
        return json.dumps(text, ensure_ascii=False)
    return text


def _encode_list(values: Iterable[Any], texts: list[str]) -> str:
    """Return ``a,b,c``; a JSON array if a text has a comma or another meaning."""
    if texts and not any("," in t or _has_another_meaning(t) or not t for t in texts):
        return ",".join(texts)
    pairs = zip(values, texts, strict=True)
    items = [v if v is None or isinstance(v, int | float) else text for v, text in pairs]
    return json.dumps(items, ensure_ascii=False)


def _has_another_meaning(text: str) -> bool:
    """Return whether a filter reads a text as null, or as JSON."""
    return text == "null" or text[:1] in ("[", '"')


def _text(name: str, value: Any) -> str:
    text = "null" if value is None else encode_scalar(value)
    if text is None:
        raise UsageError(f"{name} cannot be a {type(value).__name__}: {value!r:.80}.")
    return text
