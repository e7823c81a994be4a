"""Numbers: whole, floating, decimal, and of a fixed number of decimals; and truth."""

import math
import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Dialect, types

from encore.models.types.codec import Conversion, InvalidValue
from encore.types import FixedDecimal

_WHOLE: Final = re.compile(r"-?\d{1,30}", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_EXACT_DIGITS: Final = 15  # What a double gives back as it was.
_DECIMALS_READ: Final = 10  # SQLAlchemy's, where a Numeric does not say.
_KEPT_NUMBERS: Final = 1_024  # Hours, prices: an upload repeats few of them many times.
_SAFE_INTEGER: Final = 2**53 - 1  # Beyond it JavaScript, and many a JSON reader, loses digits.


def integer_conversion(kind: types.Integer, dialect: Dialect) -> Conversion:
    """Read and write a whole number that the column can hold."""
    high = _highest(kind, dialect)
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
        raise InvalidValue("must be a whole number", value)

    def from_text(value: str) -> int:
        if _WHOLE.fullmatch(value) is None:
            raise InvalidValue("must be a whole number", value)
        return check(int(value))

    accepts = {"type": "integer", "minimum": low, "maximum": high}
    return Conversion(from_json, from_text, {"type": "integer"}, None, accepts)


def _highest(kind: types.Integer, dialect: Dialect) -> int:
    """Give the largest integer of a column.

    SQLite's always have 64 bits, whatever the column is called; but beyond 2**53 JavaScript and
    many a JSON reader lose digits, so more than that is for those who say BigInteger.
    """
    if isinstance(kind, types.BigInteger):
        return 2**63 - 1
    if dialect.name == "sqlite":
        return _SAFE_INTEGER
    return 2**15 - 1 if isinstance(kind, types.SmallInteger) else 2**31 - 1


def float_conversion(kind: types.Float[Any] | types.Numeric[Any], _: Dialect) -> Conversion:
    """Read and write a finite number."""

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

    # Where the attribute is a decimal (asdecimal), JSON has the number all the same.
    return Conversion(from_json, from_text, {"type": "number"}, float if kind.asdecimal else None)


def _check_numeric(kind: types.Numeric[Any], dialect: Dialect, number: Decimal) -> Decimal:
    scale, precision = kind.scale, kind.precision
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise InvalidValue("must be a finite number", number)
    if scale is not None and -exponent > scale and number != round(number, scale):
        raise InvalidValue(f"must have at most {scale} decimals", number)
    if precision is not None and abs(number) >= Decimal(10) ** (precision - (scale or 0)):
        raise InvalidValue(
            f"must have at most {precision - (scale or 0)} digits before the point", number
        )
    if dialect.name == "sqlite" and number and not _is_exact(number, scale):
        raise InvalidValue(f"must have at most {_EXACT_DIGITS} digits", number)
    return number


def _is_exact(number: Decimal, scale: int | None) -> bool:
    """Tell whether a database without decimals, SQLite, gives the number back as it was."""
    _, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - finite: checked
    decimals = _DECIMALS_READ if scale is None else scale
    return (
        len(digits) <= _EXACT_DIGITS and number.adjusted() < _EXACT_DIGITS and -exponent <= decimals
    )


def numeric_conversion(kind: types.Numeric[Any], dialect: Dialect) -> Conversion:
    """Read and write a decimal, in JSON as text: many a reader's numbers lose digits.

    Without ``asdecimal`` the attribute is a float, and JSON has a number.
    """
    if not kind.asdecimal:
        return float_conversion(kind, dialect)._replace(to_wire=float)

    def to_wire(value: Decimal) -> str:
        if not value.is_finite():
            raise ValueError("JSON has no such number")
        # Without a scale of its own, a number has the decimals that it needs, on any database.
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if kind.scale is None and "." in text else text

    def from_text(value: str) -> Decimal:
        if _NUMBER.fullmatch(value) is None:
            raise InvalidValue("must be a decimal number", value)
        try:
            return _check_numeric(kind, dialect, Decimal(value))
        except InvalidOperation as error:
            raise InvalidValue("must be a decimal number", value) from error

    def from_json(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidValue("must be a decimal number", value)
        return from_text(str(value))

    return Conversion(from_json, from_text, {"type": "string", "format": "decimal"}, to_wire)


def fixed_decimal_conversion(kind: FixedDecimal, _: Dialect) -> Conversion:
    """Read and write a decimal of few digits, in JSON as a number."""
    highest = Decimal(2**31 - 1).scaleb(-kind.scale)

    @lru_cache(_KEPT_NUMBERS)
    def from_text(value: str) -> Decimal:
        if _NUMBER.fullmatch(value) is None:
            raise InvalidValue("must be a decimal number", value)
        number = Decimal(value)
        if abs(number) > highest:
            raise InvalidValue(f"must be between -{highest} and {highest}", number)
        if number != round(number, kind.scale):
            raise InvalidValue(f"must have at most {kind.scale} decimals", number)
        return number

    def from_json(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidValue("must be a decimal number", value)
        return from_text(str(value))

    return Conversion(from_json, from_text, {"type": "number"})


def boolean_conversion(_: types.Boolean, __: Dialect) -> Conversion:
    """Read and write truth."""

    def from_json(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise InvalidValue("must be true or false", value)

    def from_text(value: str) -> bool:
        if value in ("true", "false"):
            return value == "true"
        raise InvalidValue("must be true or false", value)

    return Conversion(from_json, from_text, {"type": "boolean"})
