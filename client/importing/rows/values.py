"""Parses values of a row: from the external system's notation, mostly strings, to JSON values.

Only what the API cannot know is validated here. Functions raise ``ValueError`` with a reason to
append to the column's name.
"""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from client.importing.notations.decimals import parse_number

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_MAX_INTEGER: Final = 10**300
_BOOLEANS: Final = {"true": True, "false": False}
_MINUS: Final = ("-", "\N{MINUS SIGN}")
_SIGNS: Final = (*_MINUS, "+")
_SCALARS: Final = {True: "true", False: "false", None: ""}


def to_text(value: Any) -> str:
    """Return a value as text: numbers as JSON writes them, ``true``, ``false``, null as empty.

    Spreadsheets and databases turn identifiers into numbers, so that a number is a valid text.

    Raises:
        ValueError: It is an array or an object, or not a finite number.
    """
    if isinstance(value, str):
        return value
    if value is None or value is True or value is False:
        return _SCALARS[value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise ValueError("is too large a number")
    if isinstance(value, list):
        raise ValueError("is an array: add .0 to name its first element")  # noqa: TRY004 - for the user.
    if isinstance(value, dict):
        names = ", ".join(f".{name}" for name in list(value)[:5])
        raise ValueError(  # noqa: TRY004 - for the user.
            f"is an object: add the name of a member ({names or 'it has none'})"
        )
    return str(value)


def parse_integer(value: Any) -> Any:
    """Return an integer for a string; other values are validated by the API."""
    if not isinstance(value, str):
        return value
    if not _INTEGER.fullmatch(value):
        raise ValueError(f"must be an integer, not {value[:40]!r}")
    return int(value)


def parse_boolean(value: Any) -> Any:
    """Return a boolean for the text ``true`` or ``false``; the API validates other values."""
    if not isinstance(value, str):
        return value
    if value.lower() not in _BOOLEANS:
        raise ValueError(f"must be true or false, not {value[:40]!r}: a value map can say which")
    return _BOOLEANS[value.lower()]


def number_parser(*, decimal_comma: bool, exact: bool = False) -> Callable[[Any], Any]:
    """Return a function that parses numbers of texts; the API validates other values.

    Args:
        decimal_comma: Whether the decimal mark is a comma.
        exact: Whether the number is returned as text with all its digits.
    """

    def parse(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = value.strip()
        sign = text[:1] if text[:1] in _SIGNS else ""
        try:
            number = parse_number(text.removeprefix(sign), decimal_comma=decimal_comma)
        except ValueError as error:
            raise ValueError(f"must be a number, not {value[:40]!r}: {error}") from error
        if number is None:
            raise ValueError(f"must be a number, not {value[:40]!r}")
        digits = -number.digits if sign in _MINUS else number.digits
        decimal = Decimal((int(digits < 0), tuple(map(int, str(abs(digits)))), -number.scale))
        if exact:
            return f"{decimal:f}"
        if not number.scale:
            return digits
        if Decimal(repr(float(decimal))) != decimal:
            raise ValueError(f"has more digits than a JSON number can represent: {value[:40]}")
        return float(decimal)

    return parse
