"""Parses values of a row: from the external system's notation, mostly strings, to JSON values.

Only what the API cannot know is validated here. Functions raise ``ValueError`` with a reason to
append to the column's name.
"""

import math
import re
from typing import Any, Final

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_MAX_INTEGER: Final = 10**300
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
