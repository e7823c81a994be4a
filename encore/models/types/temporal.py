"""Conversions of timestamps, dates and times, ISO 8601 strings in JSON."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, Final

from sqlalchemy import Dialect, types

from encore.database.capabilities import capabilities_of
from encore.models.types.codec import Conversion, Converter, InvalidValue
from encore.types import UtcDateTime, format_timestamp, parse_datetime, parse_offset_datetime

_TIMESTAMP: Final = "an ISO 8601 date-time such as 2018-08-16T02:22:09.446Z"


def iso_conversion(
    parse: Converter, expected: str, form: str, wire: Converter
) -> Callable[[Any, Dialect], Conversion]:
    """Return a function that returns the conversion of a type whose JSON values are strings.

    Args:
        parse: Returns the Python value of a string; raises ``ValueError``.
        expected: What a value must be, for messages: "a date such as 2018-08-16".
        form: The ``format`` in the JSON schema; empty for none.
        wire: Returns the JSON value of a Python value.
    """

    def from_text(value: Any) -> Any:
        if not isinstance(value, str):
            raise InvalidValue(f"must be {expected}", value)
        try:
            return parse(value)
        except (ValueError, OverflowError) as error:
            raise InvalidValue(f"must be {expected}", value) from error

    schema = {"type": "string", "format": form} if form else {"type": "string"}
    return lambda _, __: Conversion(from_text, from_text, schema, wire)


date_conversion: Final = iso_conversion(
    date.fromisoformat, "a date such as 2018-08-16", "date", str
)


def utc_conversion(type_: UtcDateTime, dialect: Dialect) -> Conversion:
    """Return the conversion of ``UtcDateTime``."""
    parse = parse_offset_datetime if type_.keep_offset else parse_datetime
    return iso_conversion(parse, _TIMESTAMP, "date-time", format_timestamp)(type_, dialect)


def _naive(text: str) -> datetime:
    return parse_datetime(text).replace(tzinfo=None)


def datetime_conversion(type_: types.DateTime, dialect: Dialect) -> Conversion:
    """Return the conversion of SQLAlchemy's DateTime."""
    parse = parse_datetime if type_.timezone and capabilities_of(dialect).time_zones else _naive
    return iso_conversion(parse, _TIMESTAMP, "date-time", format_timestamp)(type_, dialect)


def time_conversion(type_: types.Time, dialect: Dialect) -> Conversion:
    """Return the conversion of times of day."""
    keeps_offset = type_.timezone and capabilities_of(dialect).time_zones

    def parse(text: str) -> time:
        value = time.fromisoformat(text)
        if value.tzinfo is not None and not keeps_offset:
            raise ValueError("an offset that would be lost")
        return value

    # OpenAPI's registry of formats: JSON Schema's "time" always has an offset (RFC 3339).
    form = "time" if keeps_offset else "time-local"
    return iso_conversion(parse, "a time such as 02:22:09", form, str)(type_, dialect)
