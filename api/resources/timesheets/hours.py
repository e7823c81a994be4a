"""Hours as text with two to four decimals, exact to the second: in Python and in SQL alike."""

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Text, case, cast, func, literal, type_coerce

from encore.types import SECONDS_PER_HOUR

_MIN_DECIMALS: Final = 2
_SECONDS_PER_HUNDREDTH: Final = 36
_UNITS_PER_HOUR: Final = 10_000
"""Ten-thousandths of an hour, the smallest decimal shown."""


def format_hours(hours: Decimal) -> str:
    """Return hours of at most four decimals as text: ``7.25``, ``8.00``, ``0.3333``."""
    whole, _, decimals = f"{hours:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(_MIN_DECIMALS, '0')}"


def hours_text(hours: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the SQL expression of ``format_hours`` for a column of ``DurationHours``.

    Most durations are whole hundredths of an hour, which take the shorter calculation.
    """
    seconds = type_coerce(hours, Integer)
    rest = seconds % SECONDS_PER_HOUR
    hundredths = cast(rest // _SECONDS_PER_HUNDREDTH + 100, Text)
    units = (rest * _UNITS_PER_HOUR + SECONDS_PER_HOUR // 2) // SECONDS_PER_HOUR
    longer = func.rtrim(cast(units + _UNITS_PER_HOUR, Text), "0")
    is_short = seconds % _SECONDS_PER_HUNDREDTH == 0
    decimals = func.substr(case((is_short, hundredths), else_=longer), 2)
    text: ColumnElement[str] = cast(seconds // SECONDS_PER_HOUR, Text) + literal(".", Text)
    return text + decimals
