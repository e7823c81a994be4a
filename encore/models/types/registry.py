"""The codec of each column, chosen by its SQLAlchemy type."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Dialect, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

from encore.database.capabilities import capabilities_of, variant_of
from encore.database.expressions.timestamp_text import timestamp_text_range
from encore.models.types.adapter import TypeAdapters, find_registered_conversion
from encore.models.types.codec import Codec, Conversion, Converter, unsupported_codec
from encore.models.types.decorated import (
    attribute_type,
    is_aware,
    processes_values,
    sqlalchemy_python_type,
    with_bind_check,
)
from encore.models.types.json import json_conversion
from encore.models.types.numbers import (
    boolean_conversion,
    duration_hours_conversion,
    fixed_decimal_conversion,
    float_conversion,
    integer_conversion,
    numeric_conversion,
)
from encore.models.types.python_types import python_type_conversion
from encore.models.types.temporal import (
    date_conversion,
    datetime_conversion,
    time_conversion,
    utc_conversion,
)
from encore.models.types.text import (
    binary_conversion,
    enum_conversion,
    network_conversion,
    text_conversion,
    unparsed_text_conversion,
    uuid_conversion,
)
from encore.models.types.verification import (
    strict_result_processor,
    verifier_for,
    verify_fixed_text,
)
from encore.types import (
    DurationHours,
    FixedDecimal,
    UtcDateTime,
    format_stored_timestamp,
    format_timestamp,
)

_NONE_REGISTERED: Final[TypeAdapters] = MappingProxyType({})

_DATE: Final = date(33, 4, 3)
"""A date that shows whether years are stored with four digits."""

# The first matching base is used: subclasses come before their bases.
_CONVERSIONS: Final[tuple[tuple[Any, Callable[[Any, Dialect], Conversion]], ...]] = (
    (types.Enum, enum_conversion),
    (types.String, text_conversion),
    (types.Integer, integer_conversion),
    (postgresql.OID, lambda _, dialect: integer_conversion(types.BigInteger(), dialect)),
    (types.Float, float_conversion),
    (types.Numeric, numeric_conversion),
    (types.Boolean, boolean_conversion),
    (types.DateTime, datetime_conversion),
    (types.Date, date_conversion),
    (types.Time, time_conversion),
    (types.Uuid, uuid_conversion),
    (types.JSON, json_conversion),
    (types.LargeBinary, binary_conversion),
    (postgresql.INET | postgresql.CIDR, network_conversion),
    (postgresql.MACADDR | postgresql.MACADDR8 | postgresql.MONEY, unparsed_text_conversion),
)


def codec_for(
    type_: TypeEngine[Any], dialect: Dialect, types_: TypeAdapters = _NONE_REGISTERED
) -> Codec:
    """Return the codec of a column type.

    For a type without a JSON conversion, ``Codec.unsupported`` says why: such a column can be
    stored, but neither read nor written by clients.

    Args:
        type_: The column's type.
        dialect: The dialect of the database.
        types_: The registered adapters.
    """
    type_ = resolve_variant(type_, dialect)
    registered = find_registered_conversion(type_, types_)
    if registered is None and isinstance(type_, UtcDateTime | FixedDecimal | DurationHours):
        return _encore_type_codec(type_, dialect)
    conversion = registered or _conversion(type_, dialect)
    if conversion is None:
        return unsupported_codec(_unsupported(type_, dialect), _processors(type_, dialect)[0])
    return _codec(type_, conversion, dialect)


def resolve_variant(type_: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return the variant of a type for this database; for a domain, its data type."""
    type_ = variant_of(type_, dialect)
    if isinstance(type_, postgresql.DOMAIN):
        return resolve_variant(type_.data_type, dialect)
    return type_


def storage_type(type_: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return the type in which the database stores a column's values, without decorators."""
    type_ = resolve_variant(type_, dialect)
    while isinstance(type_, TypeDecorator):
        impl = type_.dialect_impl(dialect)
        if not isinstance(impl, TypeDecorator):  # A native type of this database, as INTERVAL.
            return impl
        type_ = resolve_variant(type_.load_dialect_impl(dialect), dialect)
    return type_


def _conversion(type_: TypeEngine[Any], dialect: Dialect) -> Conversion | None:
    if not isinstance(type_, TypeDecorator):
        return _basic_conversion(type_, dialect)
    if isinstance(type_, types.Interval | types.PickleType):
        return None
    stored = storage_type(type_, dialect)
    if not processes_values(type_):
        return _basic_conversion(stored, dialect)
    python = attribute_type(type_, stored, dialect)
    if python is None:
        return None
    conversion = (
        _basic_conversion(_unbounded(stored), dialect)
        if python is sqlalchemy_python_type(stored)
        else None
    )
    if conversion is None or isinstance(stored, types.DateTime | types.JSON):
        aware = is_aware(type_, stored, dialect)
        conversion = python_type_conversion(python, dialect, aware=aware)
    return None if conversion is None else with_bind_check(conversion, type_, stored, dialect)


def _unbounded(stored: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return a string type without its maximum length, which applies to the stored value."""
    if isinstance(stored, types.Enum):
        return stored
    return types.String() if isinstance(stored, types.String) else stored


def _basic_conversion(type_: TypeEngine[Any], dialect: Dialect) -> Conversion | None:
    make = next((make for base, make in _CONVERSIONS if isinstance(type_, base)), None)
    return None if make is None else make(type_, dialect)


def _encore_type_codec(
    type_: UtcDateTime | FixedDecimal | DurationHours, dialect: Dialect
) -> Codec:
    """Return the codec of a type of ``encore.types``: driver values become JSON in one step."""
    if isinstance(type_, FixedDecimal | DurationHours):
        conversion = (
            fixed_decimal_conversion(type_, dialect)
            if isinstance(type_, FixedDecimal)
            else duration_hours_conversion(type_, dialect)
        )
        codec = _codec(type_, conversion, dialect)
        if type(type_) is DurationHours:  # A decorator's processor takes two more calls.
            codec = replace(codec, to_driver=_nullable(type_.to_seconds))
        return replace(codec, to_wire=_nullable(type_.to_number))
    to_wire = None if type_.is_text(dialect) else _nullable(format_timestamp)
    verify = verify_fixed_text if type_.is_text(dialect) else None
    codec = _codec(type_, utc_conversion(type_, dialect), dialect)
    if type(type_) is UtcDateTime and type_.is_text(dialect):
        codec = replace(codec, to_driver=_nullable(_store_timestamp))
    return replace(codec, to_wire=to_wire, verify=verify, ambiguous=None)


def _codec(type_: TypeEngine[Any], conversion: Conversion, dialect: Dialect) -> Codec:
    stored = storage_type(type_, dialect)
    bind, result = _processors(type_, dialect)
    to_wire = _chain(result, conversion.to_wire)
    is_document = isinstance(stored, types.JSON | types.LargeBinary)
    is_text = isinstance(stored, types.String) and not isinstance(stored, types.Enum)
    return Codec(
        from_json=conversion.from_json,
        from_text=conversion.from_text,
        to_driver=bind,
        to_wire=None if to_wire is None else _nullable(to_wire),
        schema=conversion.schema,
        accepts=conversion.accepts or conversion.schema,
        is_text=is_text and conversion.schema.get("type") == "string",
        is_comparable=not is_document,
        is_ordered=not isinstance(stored, types.Boolean | types.Enum),
        null=_null(bind) if isinstance(type_, TypeDecorator) else None,
        text_operand=_text_operand(type_, bind),
        timestamp_range=timestamp_text_range(stored, dialect),
        verify=verifier_for(stored, dialect)
        if conversion.to_wire is None or type_ is stored
        else None,
        ambiguous=_ambiguous(type_, stored, dialect),
    )


def _processors(
    type_: TypeEngine[Any], dialect: Dialect
) -> tuple[Converter | None, Converter | None]:
    """Return SQLAlchemy's bind processor and result processor of a type."""
    impl = type_.dialect_impl(dialect)
    bind: Converter | None = impl.bind_processor(dialect)
    stored = storage_type(type_, dialect)
    if bind is not None and isinstance(impl, types.Date) and bind(_DATE) == _DATE.isoformat():
        bind = _iso_date(bind)
    if isinstance(type_, types.CHAR) and capabilities_of(dialect).padded_char:
        bind = _chain(bind, _without_padding)
    if isinstance(stored, types.Float) and type_ is stored:
        return bind, None
    if isinstance(stored, types.Numeric | types.Float) and capabilities_of(dialect).exact_decimals:
        if type_ is stored:
            return bind, None  # The driver returns the values unchanged.
        code = 701 if isinstance(stored, types.Float) else 1700
        return bind, impl.result_processor(dialect, code)
    result = impl.result_processor(dialect, None)
    enforced = capabilities_of(dialect).enforced_types
    return bind, result if enforced else strict_result_processor(type_, result)


def _store_timestamp(timestamp: datetime) -> str:
    """Return the stored text of a timestamp, as ``UtcDateTime`` does in three calls."""
    if timestamp.tzinfo is None:
        raise ValueError("a timestamp needs its time zone")
    return format_stored_timestamp(timestamp)


def _iso_date(bind: Converter) -> Converter:
    """Return a bind processor of dates that are stored as text, faster than SQLAlchemy's."""
    return lambda value: value.isoformat() if type(value) is date else bind(value)


def _without_padding(text: Any) -> Any:
    """Return a CHAR value without PostgreSQL's padding, which it ignores in comparisons."""
    return text.rstrip(" ") if isinstance(text, str) else text


def _ambiguous(
    type_: TypeEngine[Any], stored: TypeEngine[Any], dialect: Dialect
) -> Callable[[str], bool] | None:
    if isinstance(type_, TypeDecorator) and processes_values(type_):
        return lambda _: True
    if capabilities_of(dialect).enforced_types:
        return None
    if isinstance(stored, types.JSON | types.LargeBinary):
        return lambda _: True
    if isinstance(stored, types.Date | types.Time):  # A number there: 20180816, 1234.
        return str.isdigit
    return None


def _null(bind: Converter | None) -> Any:
    """Return the driver value of None for a decorator."""
    try:
        return None if bind is None else bind(None)
    except Exception:  # noqa: BLE001 - a type that does not support None
        return None


def _text_operand(type_: TypeEngine[Any], bind: Converter | None) -> Converter | None:
    """Return the processor of a decorated column's search texts, as in the ORM; None if none."""
    if not isinstance(type_, TypeDecorator) or bind is None or not processes_values(type_):
        return None
    return bind if type_.coerce_compared_value(operators.like_op, "") is type_ else None


def _unsupported(type_: TypeEngine[Any], dialect: Dialect) -> str:
    if isinstance(type_, types.NullType):
        return "SQLAlchemy does not know its type; give it one, as by type_coerce(..., String)"
    reason = f"no JSON form is known for the column type {type_!r}"
    advice = "register one"
    if isinstance(type_, TypeDecorator) and not isinstance(
        type_, types.Interval | types.PickleType
    ):
        python = attribute_type(type_, storage_type(type_, dialect), dialect)
        if python is None:
            reason += "; annotate the return type of its process_result_value"
            advice = f"or {advice}"
        else:
            reason += f", whose values are of the Python type {python.__name__}"
    return f"{reason}; {advice} with types={{{type(type_).__name__}: TypeAdapter(...)}}"


def _chain(first: Converter | None, second: Converter | None) -> Converter | None:
    if first is None or second is None:
        return first or second
    return lambda value: second(first(value))


def _nullable(convert: Converter) -> Converter:
    return lambda value: None if value is None else convert(value)
