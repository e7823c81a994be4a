"""Values: from JSON or query text to what a column holds, and from a row to JSON.

A ``Codec`` is chosen once per column, by its SQLAlchemy type. It is strict about types and sizes,
with the one kindness of Finale that the Okta seed relies on: a number given for a text column
becomes text, written as JavaScript writes it.
"""

import base64
import binascii
import json
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import Dialect, types
from sqlalchemy.types import TypeEngine

from db.types import FixedDecimal, UtcDateTime, format_moment, parse_moment

Convert = Callable[[Any], Any]

_WHOLE = re.compile(r"-?\d{1,30}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_EXACT_DIGITS = 15  # What a double gives back as it was.
_DECIMALS_READ = 10  # SQLAlchemy's, where a Numeric does not say.
_PLAIN_FROM = 1e-6
_PLAIN_BELOW = 1e21
MAX_DEPTH: Final = 64
"""How deep a JSON column's value may be nested."""

_SAFE_INTEGER = 2**53 - 1  # Beyond it JavaScript, and many a JSON reader, loses digits.


class Refusal(ValueError):
    """A value that its column cannot take.

    Attributes:
        kind: Finale's word for it: ``string violation`` or ``Validation error``.
    """

    def __init__(self, text: str, kind: str = "Validation error") -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Codec:
    """How one column's values come in and go out. Null is not a codec's business.

    Attributes:
        from_json: Takes a decoded JSON value; gives a Python value or raises ``Refusal``, whose
            text goes behind the field's name.
        from_text: The same for a query parameter or a part of the path.
        to_driver: Turns the Python value into what the driver binds; None if it is that already.
        to_wire: Turns a row's value into what JSON shows; None if it is that already.
        schema: The JSON schema of a value that is given out.
        accepts: The JSON schema of a value that is taken in.
        is_text: Whether search looks at this column.
    """

    from_json: Convert
    from_text: Convert
    to_driver: Convert | None
    to_wire: Convert | None
    schema: dict[str, Any]
    accepts: dict[str, Any]
    is_text: bool = False

    def driver_value(self, value: Any) -> Any:
        """Give what the driver binds for this Python value."""
        return value if self.to_driver is None or value is None else self.to_driver(value)


def codec_for(kind: TypeEngine[Any], dialect: Dialect) -> Codec:
    """Choose the codec of a column type.

    Raises:
        TypeError: The type is none that JSON can carry.
    """
    for base, make in _MAKERS:
        if isinstance(kind, base):
            from_json, from_text, schema, *rest = make(kind, dialect)
            wire, accepts = (*rest, None, None)[:2]
            break
    else:
        raise TypeError(f"no JSON form is known for the column type {kind!r}")
    impl = kind.dialect_impl(dialect)
    result = _chain(_reader(kind, impl, dialect), wire)
    if isinstance(kind, UtcDateTime):
        result = None if kind.is_text(dialect) else format_moment
    if isinstance(kind, FixedDecimal):
        result = kind.number  # From units: no decimal on the way.
    is_text = isinstance(kind, types.String) and not isinstance(kind, types.Enum)
    if is_text:
        accepts = {"anyOf": [schema, {"type": "number"}]}
    return Codec(
        from_json=from_json,
        from_text=from_text,
        to_driver=impl.bind_processor(dialect),
        to_wire=None if result is None else _nullable(result),
        schema=schema,
        accepts=accepts or schema,
        is_text=is_text,
    )


def _reader(kind: TypeEngine[Any], impl: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """Give what SQLAlchemy does to the driver's values."""
    if isinstance(kind, types.Numeric | types.Float) and dialect.name != "sqlite":
        return None  # Its own wants to know which type the driver saw; all give what is meant.
    return impl.result_processor(dialect, None)


def _chain(first: Convert | None, second: Convert | None) -> Convert | None:
    if first is None or second is None:
        return first or second
    return lambda value: second(first(value))


def _nullable(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def check_text(text: str, length: int | None = None) -> str:
    """Refuse text that no database, or not this column, can hold; ``length`` is in characters."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Refusal("must be valid Unicode, without lone surrogates") from error
    if "\x00" in text:
        raise Refusal("must not hold a NUL character")
    if length is not None and len(text) > length:
        raise Refusal(f"must be at most {length} characters long")
    return text


def _text(kind: types.String, _: Dialect) -> tuple[Any, ...]:
    length = kind.length

    def from_json(value: Any) -> str:
        if isinstance(value, str):
            return check_text(value, length)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return check_text(_number_text(value), length)
        if isinstance(value, dict | list):
            raise Refusal("cannot be an array or an object", "string violation")
        raise Refusal("must be text", "string violation")

    def from_text(value: str) -> str:
        return check_text(value)

    schema: dict[str, Any] = {"type": "string"}
    if length is not None:
        schema["maxLength"] = length
    return from_json, from_text, schema


def _number_text(value: int | float) -> str:  # noqa: PYI041 - the two are written differently
    """Write a number as JavaScript's ``String`` does (ECMA-262, Number::toString)."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise Refusal("must be a finite number")
    if value == 0:
        return "0"
    if _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return f"{Decimal(repr(value)).normalize():f}"
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def _integer(kind: types.Integer, dialect: Dialect) -> tuple[Any, ...]:
    high = _highest(kind, dialect)
    low = -high - 1

    def check(value: int) -> int:
        if low <= value <= high:
            return value
        raise Refusal(f"must be between {low} and {high}")

    def from_json(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            return check(int(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return check(value)
        raise Refusal("must be a whole number")

    def from_text(value: str) -> int:
        if _WHOLE.fullmatch(value) is None:
            raise Refusal("must be a whole number")
        return check(int(value))

    accepts = {"type": "integer", "minimum": low, "maximum": high}
    return from_json, from_text, {"type": "integer"}, None, accepts


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


def _float(_: types.Float[Any], __: Dialect) -> tuple[Any, ...]:
    def from_json(value: Any) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError as error:
                raise Refusal("must be a finite number") from error
            if math.isfinite(number):
                return number
        raise Refusal("must be a finite number")

    def from_text(value: str) -> float:
        if _NUMBER.fullmatch(value) is None:
            raise Refusal("must be a finite number")
        return from_json(float(value))

    return from_json, from_text, {"type": "number"}


def _check_numeric(kind: types.Numeric[Any], dialect: Dialect, number: Decimal) -> Decimal:
    scale, precision = kind.scale, kind.precision
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise Refusal("must be a finite number")
    if scale is not None and -exponent > scale and number != round(number, scale):
        raise Refusal(f"must have at most {scale} decimals")
    if precision is not None and abs(number) >= Decimal(10) ** (precision - (scale or 0)):
        raise Refusal(f"must have at most {precision - (scale or 0)} digits before the point")
    if dialect.name == "sqlite" and number and not _is_exact(number, scale):
        raise Refusal(f"must have at most {_EXACT_DIGITS} digits")
    return number


def _is_exact(number: Decimal, scale: int | None) -> bool:
    """Tell whether a database without decimals, SQLite, gives the number back as it was."""
    _, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - finite: checked
    decimals = _DECIMALS_READ if scale is None else scale
    return (
        len(digits) <= _EXACT_DIGITS and number.adjusted() < _EXACT_DIGITS and -exponent <= decimals
    )


def _numeric(kind: types.Numeric[Any], dialect: Dialect) -> tuple[Any, ...]:
    def to_wire(value: Decimal) -> str:
        # Without a scale of its own, a number has the decimals that it needs, on any database.
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if kind.scale is None and "." in text else text

    def from_text(value: str) -> Decimal:
        if _NUMBER.fullmatch(value) is None:
            raise Refusal("must be a decimal number")
        try:
            return _check_numeric(kind, dialect, Decimal(value))
        except InvalidOperation as error:
            raise Refusal("must be a decimal number") from error

    def from_json(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise Refusal("must be a decimal number")
        return from_text(str(value))

    return from_json, from_text, {"type": "string", "format": "decimal"}, to_wire


def _fixed(kind: FixedDecimal, _: Dialect) -> tuple[Any, ...]:
    highest = Decimal(2**31 - 1).scaleb(-kind.scale)

    def from_text(value: str) -> Decimal:
        if _NUMBER.fullmatch(value) is None:
            raise Refusal("must be a decimal number")
        number = Decimal(value)
        if abs(number) > highest:
            raise Refusal(f"must be between -{highest} and {highest}")
        if number != round(number, kind.scale):
            raise Refusal(f"must have at most {kind.scale} decimals")
        return number

    def from_json(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise Refusal("must be a decimal number")
        return from_text(str(value))

    return from_json, from_text, {"type": "number"}


def _boolean(_: types.Boolean, __: Dialect) -> tuple[Any, ...]:
    def from_json(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise Refusal("must be true or false")

    def from_text(value: str) -> bool:
        if value in ("true", "false"):
            return value == "true"
        raise Refusal("must be true or false")

    return from_json, from_text, {"type": "boolean"}


def _iso(
    parse: Convert, expected: str, form: str, wire: Convert
) -> Callable[[Any, Dialect], tuple[Any, ...]]:
    """Make the maker for a type whose JSON form is text that ``parse`` reads."""

    def from_text(value: Any) -> Any:
        if not isinstance(value, str):
            raise Refusal(f"must be {expected}")
        try:
            return parse(value)
        except (ValueError, OverflowError) as error:
            raise Refusal(f"must be {expected}") from error

    schema = {"type": "string", "format": form}
    return lambda _, __: (from_text, from_text, schema, wire)


def _naive(text: str) -> datetime:
    return parse_moment(text).replace(tzinfo=None)


def _moment(kind: types.DateTime, dialect: Dialect) -> tuple[Any, ...]:
    parse = parse_moment if kind.timezone and dialect.name != "sqlite" else _naive
    return _iso(parse, _A_MOMENT, "date-time", format_moment)(kind, dialect)


def _time(kind: types.Time, dialect: Dialect) -> tuple[Any, ...]:
    def parse(text: str) -> time:
        moment = time.fromisoformat(text)
        if moment.tzinfo is not None and not kind.timezone:
            raise ValueError("an offset that would be lost")
        return moment

    return _iso(parse, "a time such as 02:22:09", "time", str)(kind, dialect)


def _uuid(kind: types.Uuid[Any], dialect: Dialect) -> tuple[Any, ...]:
    def parse(text: str) -> Any:
        value = uuid.UUID(text)
        return value if kind.as_uuid else str(value)

    return _iso(parse, "a UUID", "uuid", str)(kind, dialect)


def _enum(kind: types.Enum, _: Dialect) -> tuple[Any, ...]:
    objects = kind.enum_class.__members__.values() if kind.enum_class else kind.enums
    members: dict[str, Any] = dict(zip(kind.enums, objects, strict=True))
    names = {member: name for name, member in reversed(members.items())}

    def from_text(value: Any) -> Any:
        if isinstance(value, str) and value in members:
            return members[value]
        raise Refusal(f"must be one of {', '.join(members)}")

    def wire(value: Any) -> Any:
        return names.get(value, value)

    return from_text, from_text, {"type": "string", "enum": list(members)}, wire


def _document(_: types.JSON, __: Dialect) -> tuple[Any, ...]:
    def from_json(value: Any) -> Any:
        _check_document(value, MAX_DEPTH)
        return value

    def from_text(value: str) -> Any:
        try:
            return from_json(json.loads(value))
        except (ValueError, RecursionError) as error:
            raise Refusal("must be JSON") from error

    return from_json, from_text, {}


def _check_document(value: Any, depth: int) -> None:
    """Refuse what could not be stored, or not be given out again."""
    match value:
        case str():
            check_text(value)
        case bool() | None:
            pass
        case int() if not -(2**63) <= value < 2**63:
            raise Refusal("must hold no whole number of more than 64 bits")
        case float() if not math.isfinite(value):
            raise Refusal("must hold finite numbers alone")
        case dict() | list():
            if not depth:
                raise Refusal(f"must be nested at most {MAX_DEPTH} deep")
            for name in value if isinstance(value, dict) else ():
                check_text(name)
            for inner in value.values() if isinstance(value, dict) else value:
                _check_document(inner, depth - 1)


def _binary(kind: types.LargeBinary, _: Dialect) -> tuple[Any, ...]:
    def from_text(value: Any) -> bytes:
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise Refusal("must be base64") from error
        if kind.length is not None and len(data) > kind.length:
            raise Refusal(f"must be at most {kind.length} bytes long")
        return data

    schema = {"type": "string", "contentEncoding": "base64"}
    return from_text, from_text, schema, lambda value: base64.b64encode(value).decode()


_A_MOMENT = "an ISO 8601 date-time such as 2018-08-16T02:22:09.446Z"

# The first base that fits decides, so the narrower stands before the wider.
_MAKERS: tuple[tuple[Any, Callable[[Any, Dialect], tuple[Any, ...]]], ...] = (
    (UtcDateTime, _iso(parse_moment, _A_MOMENT, "date-time", format_moment)),
    (FixedDecimal, _fixed),
    (types.Enum, _enum),
    (types.String, _text),
    (types.Integer, _integer),
    (types.Float, _float),
    (types.Numeric, _numeric),
    (types.Boolean, _boolean),
    (types.DateTime, _moment),
    (types.Date, _iso(date.fromisoformat, "a date such as 2018-08-16", "date", str)),
    (types.Time, _time),
    (types.Uuid, _uuid),
    (types.JSON, _document),
    (types.LargeBinary, _binary),
)
