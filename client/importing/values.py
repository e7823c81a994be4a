"""Values of a row: from what an external tool writes, mostly text, to what the API takes.

Only what the API could not know is judged here, such as a decimal comma; whether hours are too many
is the API's to say. A function raises ``ValueError`` with what is wrong, to be put behind the
field's name.
"""

import math
import re
from decimal import Decimal
from typing import Any, Final

_WHOLE: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?", re.ASCII)


def read_text(value: Any) -> Any:
    """Give text; numbers become text, as spreadsheets like to make numbers of identifiers."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def read_whole(value: Any) -> Any:
    """Give a whole number."""
    if not isinstance(value, str):
        return value
    if not _WHOLE.fullmatch(value):
        raise ValueError(f"must be a whole number, not {value[:40]!r}")
    return int(value)


def read_decimal(value: Any) -> Any:
    """Give a number, written with a decimal point."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a number that is not too large")
    if not isinstance(value, str):
        return value
    if not _DECIMAL.fullmatch(value):
        raise ValueError(f"must be a number, not {value[:40]!r}")
    if "." not in value:
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != Decimal(value):
        raise ValueError(f"has more digits than a JSON number keeps: {value}")
    return number


def read_decimal_comma(value: Any) -> Any:
    """Give a number, written with a decimal comma."""
    if not isinstance(value, str):
        return read_decimal(value)
    if "." in value:
        raise ValueError(f"must be a number with a decimal comma, not {value[:40]!r}")
    return read_decimal(value.replace(",", "."))
