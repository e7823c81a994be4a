"""Hours as text with two to four decimals, exact to the second: in Python and in SQL alike."""

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, cast, func, literal, type_coerce

from encore.types import SECONDS_PER_HOUR

_MIN_DECIMALS: Final = 2
_UNITS_PER_HOUR: Final = 10_000
"""Ten-thousandths of an hour, the smallest decimal shown."""


def format_hours(hours: Decimal) -> str:
    """Return hours of at most four decimals as text: ``7.25``, ``8.00``, ``0.3333``."""
    whole, _, decimals = f"{hours:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(_MIN_DECIMALS, '0')}"


def hours_text(hours: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the SQL expression of ``format_hours`` for a column of ``DurationHours``."""
    seconds = cast(type_coerce(hours, Integer), BigInteger)
    units = (seconds * _UNITS_PER_HOUR + SECONDS_PER_HOUR // 2) // SECONDS_PER_HOUR
    decimals = func.substr(cast(units % _UNITS_PER_HOUR + _UNITS_PER_HOUR, Text), 2)
    kept = func.substr(decimals, 1, _MIN_DECIMALS)
    optional = func.rtrim(func.substr(decimals, _MIN_DECIMALS + 1), "0")
    text: ColumnElement[str] = cast(units // _UNITS_PER_HOUR, Text) + literal(".", Text)
    return text + kept + optional
