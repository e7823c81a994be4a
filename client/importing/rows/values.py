"""Parses values of a row: from the external system's notation, mostly strings, to JSON values.

Only what the API cannot know is validated here, such as a decimal comma; whether the hours exceed
a limit is validated by the API. Functions raise ``ValueError`` with a reason to append to the
field's name.
"""

import math
import re
from decimal import Decimal
from typing import Any, Final

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?", re.ASCII)


def parse_string(value: Any) -> Any:
    """Return a number as a string, since spreadsheets turn identifiers into numbers."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def parse_integer(value: Any) -> Any:
    """Return an integer for a string; other values are validated by the API."""
    if not isinstance(value, str):
        return value
    if not _INTEGER.fullmatch(value):
        raise ValueError(f"must be an integer, not {value[:40]!r}")
    return int(value)


def parse_decimal(value: Any) -> Any:
    """Return a number for a string with a decimal point."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if not isinstance(value, str):
        return value
    if not _DECIMAL.fullmatch(value):
        raise ValueError(f"must be a number, not {value[:40]!r}")
    if "." not in value:
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != Decimal(value):
        raise ValueError(f"has more digits than a JSON number can represent: {value}")
    return number


def parse_decimal_comma(value: Any) -> Any:
    """Return a number for a string with a decimal comma."""
    if not isinstance(value, str):
        return parse_decimal(value)
    if "." in value:
        raise ValueError(f"must be a number with a decimal comma, not {value[:40]!r}")
    return parse_decimal(value.replace(",", "."))
