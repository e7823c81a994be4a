"""Conversions of integers, floats, decimals, decimals of fixed scale, durations and booleans."""

import math
import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Dialect, types

from encore.database.capabilities import capabilities_of
from encore.models.types.codec import Conversion, InvalidValue
from encore.types import DurationHours, FixedDecimal

_INTEGER: Final = re.compile(r"-?\d{1,30}", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_EXACT_DIGITS: Final = 15
"""How many decimal digits a double preserves."""

_DEFAULT_SCALE: Final = 10
"""How many decimals SQLAlchemy reads of a Numeric without a scale."""

_CACHED_NUMBERS: Final = 1_024
"""How many parsed decimals are cached: an upload repeats few prices or hours many times."""

_MAX_SECONDS: Final = 2**31 - 1
"""The longest duration that an integer column holds on every database."""

_SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer that JavaScript, and many a JSON parser, reads without losing digits."""


def integer_conversion(type_: types.Integer, dialect: Dialect) -> Conversion:
    """Return the conversion of integers within the range of the column."""
    high = _max_integer(type_, dialect)
    low = -high - 1

    def check(value: int) -> int:
        if low <= value <= high:
            return value
        raise InvalidValue(f"must be between {low} and {high}", value)

    def from_json(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            return check(int(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return check(value)
        raise InvalidValue("must be an integer", value)

    def from_text(value: str) -> int:
        if _INTEGER.fullmatch(value) is None:
            raise InvalidValue("must be an integer", value)
        return check(int(value))

    schema: dict[str, Any] = {"type": "integer", "format": "int32" if high < 2**31 else "int64"}
    says_all = high in (2**31 - 1, 2**63 - 1)
    accepts = schema if says_all else {**schema, "minimum": low, "maximum": high}
    return Conversion(from_json, from_text, schema, None, accepts)


def _max_integer(type_: types.Integer, dialect: Dialect) -> int:
    """Return the largest integer of a column.

    SQLite stores 64 bits in every integer column, but JSON parsers lose digits beyond 2**53: only
    a BigInteger column accepts more.
    """
    if isinstance(type_, types.BigInteger):
        return 2**63 - 1
    if not capabilities_of(dialect).sized_integers:
        return _SAFE_INTEGER
    return 2**15 - 1 if isinstance(type_, types.SmallInteger) else 2**31 - 1


def float_conversion(type_: types.Float[Any] | types.Numeric[Any], _: Dialect) -> Conversion:
    """Return the conversion of finite numbers."""

    def from_json(value: Any) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError as error:
                raise InvalidValue("must be a finite number", value) from error
            if math.isfinite(number):
                return number
        raise InvalidValue("must be a finite number", value)

    def from_text(value: str) -> float:
        if _NUMBER.fullmatch(value) is None:
            raise InvalidValue("must be a finite number", value)
        return from_json(float(value))

    # With asdecimal the attribute is a Decimal; JSON has a number as well.
    return Conversion(from_json, from_text, {"type": "number"}, float if type_.asdecimal else None)


def _check_numeric(type_: types.Numeric[Any], number: Decimal, *, exact_decimals: bool) -> Decimal:
    scale, precision = type_.scale, type_.precision
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise InvalidValue("must be a finite number", number)
    if scale is not None and -exponent > scale and number != round(number, scale):
        raise InvalidValue(f"must have at most {scale} decimals", number)
    if precision is not None and abs(number) >= Decimal(10) ** (precision - (scale or 0)):
        raise InvalidValue(
            f"must have at most {precision - (scale or 0)} digits before the point", number
        )
    if not exact_decimals and number and not _is_exact(number, scale):
        raise InvalidValue(f"must have at most {_EXACT_DIGITS} digits", number)
    return number


def _is_exact(number: Decimal, scale: int | None) -> bool:
    """Return whether SQLite, which has no decimals, returns a finite number unchanged."""
    normalized = number.normalize()
    digits = len(normalized.as_tuple().digits)
    decimals = digits - 1 - normalized.adjusted()
    return (
        digits <= _EXACT_DIGITS
        and normalized.adjusted() < _EXACT_DIGITS
        and decimals <= (_DEFAULT_SCALE if scale is None else scale)
    )


def numeric_conversion(type_: types.Numeric[Any], dialect: Dialect) -> Conversion:
    """Return the conversion of decimals, strings in JSON: many parsers' numbers lose digits.

    Without ``asdecimal`` the attribute is a float and JSON has a number.
    """
    if not type_.asdecimal:
        return float_conversion(type_, dialect)._replace(to_wire=float)
    exact = capabilities_of(dialect).exact_decimals

    def to_wire(value: Decimal) -> str:
        if not value.is_finite():
            raise ValueError("not a finite number")
        # Without a scale, trailing zeros differ by database: remove them.
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if type_.scale is None and "." in text else text

    def from_text(value: str) -> Decimal:
        if _NUMBER.fullmatch(value) is None:
            raise InvalidValue("must be a decimal number", value)
        try:
            return _check_numeric(type_, Decimal(value), exact_decimals=exact)
        except InvalidOperation as error:
            raise InvalidValue("must be a decimal number", value) from error

    def from_json(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidValue("must be a decimal number", value)
        return from_text(str(value))

    return Conversion(from_json, from_text, {"type": "string", "format": "decimal"}, to_wire)


def fixed_decimal_conversion(type_: FixedDecimal, _: Dialect) -> Conversion:
    """Return the conversion of decimals of few digits, numbers in JSON."""
    highest = Decimal(2**31 - 1).scaleb(-type_.scale)

    @lru_cache(_CACHED_NUMBERS)
    def from_text(value: str) -> Decimal:
        if _NUMBER.fullmatch(value) is None:
            raise InvalidValue("must be a decimal number", value)
        number = Decimal(value)
        if abs(number) > highest:
            raise InvalidValue(f"must be between -{highest} and {highest}", number)
        if number != round(number, type_.scale):
            raise InvalidValue(f"must have at most {type_.scale} decimals", number)
        return number

    def from_json(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidValue("must be a decimal number", value)
        return from_text(str(value))

    return Conversion(from_json, from_text, {"type": "number"})


def duration_hours_conversion(type_: DurationHours, _: Dialect) -> Conversion:
    """Return the conversion of hours, numbers in JSON, which are rounded to the second.

    Values and operands of filters are rounded alike, so that the shown hours find their row.
    """
    highest = type_.from_seconds(_MAX_SECONDS)

    @lru_cache(_CACHED_NUMBERS)
    def from_text(value: str) -> Decimal:
        if _NUMBER.fullmatch(value) is None:
            raise InvalidValue("must be a decimal number", value)
        number = Decimal(value)
        if abs(number) > highest:
            raise InvalidValue(f"must be between -{highest} and {highest}", number)
        return type_.from_seconds(type_.to_seconds(number))

    def from_json(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidValue("must be a decimal number", value)
        return from_text(str(value))

    return Conversion(from_json, from_text, {"type": "number"})


def boolean_conversion(_: types.Boolean, __: Dialect) -> Conversion:
    """Return the conversion of booleans."""

    def from_json(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise InvalidValue("must be true or false", value)

    def from_text(value: str) -> bool:
        if value in ("true", "false"):
            return value == "true"
        raise InvalidValue("must be true or false", value)

    return Conversion(from_json, from_text, {"type": "boolean"})
