"""Which codec a column has, by its SQLAlchemy type."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Dialect, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

from encore.database.sqlite.timestamps import instant_range
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
from encore.models.types.network import network_conversion, unparsed_text_conversion
from encore.models.types.numbers import (
    boolean_conversion,
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
    text_conversion,
    uuid_conversion,
)
from encore.models.types.verification import (
    strict_result_processor,
    verifier_for,
    verify_fixed_text,
)
from encore.types import FixedDecimal, UtcDateTime, format_timestamp

_NONE_REGISTERED: Final[TypeAdapters] = MappingProxyType({})

# The first base that fits decides, so the narrower stands before the wider.
_MAKERS: Final[tuple[tuple[Any, Callable[[Any, Dialect], Conversion]], ...]] = (
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
    kind: TypeEngine[Any], dialect: Dialect, types_: TypeAdapters = _NONE_REGISTERED
) -> Codec:
    """Choose the codec of a column type.

    A type without a JSON form gets an opaque codec, whose ``unsupported`` says why: its column can
    be stored and left out of what is shown.

    Args:
        kind: The column's type.
        dialect: The database's.
        types_: What is registered for types.
    """
    kind = resolve_variant(kind, dialect)
    registered = find_registered_conversion(kind, types_)
    if registered is None and isinstance(kind, UtcDateTime | FixedDecimal):
        return _own_codec(kind, dialect)
    form = registered or _form(kind, dialect)
    if form is None:
        return unsupported_codec(_unsupported(kind, dialect), _processors(kind, dialect)[0])
    return _codec(kind, form, dialect)


def resolve_variant(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return the variant of a type for this database, and what a domain or a bare decorator is."""
    variants: Mapping[str, TypeEngine[Any]] = kind._variant_mapping  # noqa: SLF001 - nothing public gives it
    kind = variants.get(dialect.name, kind)
    if isinstance(kind, postgresql.DOMAIN):
        return resolve_variant(kind.data_type, dialect)
    return kind


def storage_type(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return the type in which the database holds a column's values: what decorators decorate."""
    kind = resolve_variant(kind, dialect)
    while isinstance(kind, TypeDecorator):
        impl = kind.dialect_impl(dialect)
        if not isinstance(impl, TypeDecorator):  # A type that this database has, such as INTERVAL.
            return impl
        kind = resolve_variant(kind.load_dialect_impl(dialect), dialect)
    return kind


def _form(kind: TypeEngine[Any], dialect: Dialect) -> Conversion | None:
    if not isinstance(kind, TypeDecorator):
        return _plain_form(kind, dialect)
    if isinstance(kind, types.Interval | types.PickleType):
        return None
    stored = storage_type(kind, dialect)
    if not processes_values(kind):
        return _plain_form(stored, dialect)
    python = attribute_type(kind, stored, dialect)
    if python is None:
        return None
    form = (
        _plain_form(_unbounded(stored), dialect)
        if python is sqlalchemy_python_type(stored)
        else None
    )
    if form is None or isinstance(stored, types.DateTime | types.JSON):
        aware = is_aware(kind, stored, dialect)
        form = python_type_conversion(python, dialect, aware=aware)
    return None if form is None else with_bind_check(form, kind, stored, dialect)


def _unbounded(stored: TypeEngine[Any]) -> TypeEngine[Any]:
    """Leave out the bounds, which are of what is stored."""
    if isinstance(stored, types.Enum):
        return stored
    return types.String() if isinstance(stored, types.String) else stored


def _plain_form(kind: TypeEngine[Any], dialect: Dialect) -> Conversion | None:
    make = next((make for base, make in _MAKERS if isinstance(kind, base)), None)
    return None if make is None else make(kind, dialect)


def _own_codec(kind: UtcDateTime | FixedDecimal, dialect: Dialect) -> Codec:
    """Choose the codec of a type of ours: its driver values become JSON in one step."""
    if isinstance(kind, FixedDecimal):
        return replace(
            _codec(kind, fixed_decimal_conversion(kind, dialect), dialect),
            to_wire=_nullable(kind.number),
        )
    to_wire = None if kind.is_text(dialect) else _nullable(format_timestamp)
    verify = verify_fixed_text if kind.is_text(dialect) else None
    codec = _codec(kind, utc_conversion(kind, dialect), dialect)
    return replace(codec, to_wire=to_wire, verify=verify, ambiguous=None)


def _codec(kind: TypeEngine[Any], form: Conversion, dialect: Dialect) -> Codec:
    stored = storage_type(kind, dialect)
    bind, result = _processors(kind, dialect)
    to_wire = _chain(result, form.to_wire)
    is_document = isinstance(stored, types.JSON | types.LargeBinary)
    is_text = isinstance(stored, types.String) and not isinstance(stored, types.Enum)
    return Codec(
        from_json=form.from_json,
        from_text=form.from_text,
        to_driver=bind,
        to_wire=None if to_wire is None else _nullable(to_wire),
        schema=form.schema,
        accepts=form.accepts or form.schema,
        is_text=is_text and form.schema.get("type") == "string",
        is_comparable=not is_document,
        is_ordered=not isinstance(stored, types.Boolean | types.Enum),
        null=_null(bind) if isinstance(kind, TypeDecorator) else None,
        text_operand=_text_operand(kind, bind),
        instants=instant_range(stored, dialect),
        verify=verifier_for(stored, dialect) if form.to_wire is None or kind is stored else None,
        ambiguous=_ambiguous(kind, stored, dialect),
    )


def _processors(
    kind: TypeEngine[Any], dialect: Dialect
) -> tuple[Converter | None, Converter | None]:
    """Return what SQLAlchemy does to values on their way to the driver, and back."""
    impl = kind.dialect_impl(dialect)
    bind: Converter | None = impl.bind_processor(dialect)
    stored = storage_type(kind, dialect)
    if isinstance(kind, types.CHAR) and dialect.name == "postgresql":
        bind = _chain(bind, _without_padding)
    if isinstance(stored, types.Float) and kind is stored:
        return bind, None
    if isinstance(stored, types.Numeric | types.Float) and dialect.name != "sqlite":
        if kind is stored:
            return bind, None  # The driver's values are what is meant.
        code = 701 if isinstance(stored, types.Float) else 1700
        return bind, impl.result_processor(dialect, code)
    result = impl.result_processor(dialect, None)
    return bind, strict_result_processor(kind, result) if dialect.name == "sqlite" else result


def _without_padding(text: Any) -> Any:
    """Strip what PostgreSQL pads CHAR with; it compares such a column with text unpadded."""
    return text.rstrip(" ") if isinstance(text, str) else text


def _ambiguous(
    kind: TypeEngine[Any], stored: TypeEngine[Any], dialect: Dialect
) -> Callable[[str], bool] | None:
    if isinstance(kind, TypeDecorator) and processes_values(kind):
        return lambda _: True
    if dialect.name != "sqlite":
        return None
    if isinstance(stored, types.JSON | types.LargeBinary):
        return lambda _: True
    if isinstance(stored, types.Date | types.Time):  # A number there: 20180816, 1234.
        return str.isdigit
    return None


def _null(bind: Converter | None) -> Any:
    """Return what a decorator binds for None."""
    try:
        return None if bind is None else bind(None)
    except Exception:  # noqa: BLE001 - a type that is never asked to store None
        return None


def _text_operand(kind: TypeEngine[Any], bind: Converter | None) -> Converter | None:
    """Return what processes the text that a decorated column is searched for, as the ORM does."""
    if not isinstance(kind, TypeDecorator) or bind is None or not processes_values(kind):
        return None
    return bind if kind.coerce_compared_value(operators.like_op, "") is kind else None


def _unsupported(kind: TypeEngine[Any], dialect: Dialect) -> str:
    if isinstance(kind, types.NullType):
        return "SQLAlchemy does not know its type; give it one, as by type_coerce(..., String)"
    text = f"no JSON form is known for the column type {kind!r}"
    last = "register one"
    if isinstance(kind, TypeDecorator) and not isinstance(kind, types.Interval | types.PickleType):
        python = attribute_type(kind, storage_type(kind, dialect), dialect)
        if python is None:
            text, last = f"{text}; annotate what its process_result_value returns", f"or {last}"
        else:
            text += f", whose values are of the Python type {python.__name__}"
    return f"{text}; {last} with types={{{type(kind).__name__}: TypeAdapter(...)}}"


def _chain(first: Converter | None, second: Converter | None) -> Converter | None:
    if first is None or second is None:
        return first or second
    return lambda value: second(first(value))


def _nullable(convert: Converter) -> Converter:
    return lambda value: None if value is None else convert(value)
