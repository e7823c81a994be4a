"""Values whose JSON form is ISO text that one function reads: moments, dates, times of day."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, Final

from sqlalchemy import Dialect, types

from encore.models.types.codec import Conversion, Converter, InvalidValue
from encore.types import format_timestamp, parse_datetime

_A_MOMENT: Final = "an ISO 8601 date-time such as 2018-08-16T02:22:09.446Z"


def iso_conversion(
    parse: Converter, expected: str, form: str, wire: Converter
) -> Callable[[Any, Dialect], Conversion]:
    """Make the maker for a type whose JSON form is text that ``parse`` reads."""

    def from_text(value: Any) -> Any:
        if not isinstance(value, str):
            raise InvalidValue(f"must be {expected}", value)
        try:
            return parse(value)
        except (ValueError, OverflowError) as error:
            raise InvalidValue(f"must be {expected}", value) from error

    schema = {"type": "string", "format": form} if form else {"type": "string"}
    return lambda _, __: Conversion(from_text, from_text, schema, wire)


utc_conversion = iso_conversion(parse_datetime, _A_MOMENT, "date-time", format_timestamp)
date_conversion = iso_conversion(date.fromisoformat, "a date such as 2018-08-16", "date", str)


def _naive(text: str) -> datetime:
    return parse_datetime(text).replace(tzinfo=None)


def datetime_conversion(kind: types.DateTime, dialect: Dialect) -> Conversion:
    """Read and write a moment of SQLAlchemy's own types."""
    parse = parse_datetime if kind.timezone and dialect.name != "sqlite" else _naive
    return iso_conversion(parse, _A_MOMENT, "date-time", format_timestamp)(kind, dialect)


def time_conversion(kind: types.Time, dialect: Dialect) -> Conversion:
    """Read and write a time of day."""

    def parse(text: str) -> time:
        moment = time.fromisoformat(text)
        if moment.tzinfo is not None and not (kind.timezone and dialect.name != "sqlite"):
            raise ValueError("an offset that would be lost")
        return moment

    return iso_conversion(parse, "a time such as 02:22:09", "time", str)(kind, dialect)
