"""Which codec a column has, by its SQLAlchemy type."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Dialect, types
from sqlalchemy.types import TypeEngine

from api.crud.views.values.codec import Codec, Convert, Form
from api.crud.views.values.documents import document_codec
from api.crud.views.values.iso import date_codec, moment_codec, time_codec, utc_codec
from api.crud.views.values.numbers import (
    boolean_codec,
    fixed_codec,
    float_codec,
    integer_codec,
    numeric_codec,
)
from api.crud.views.values.text import binary_codec, enum_codec, text_codec, uuid_codec
from db.types import FixedDecimal, UtcDateTime, format_moment

# The first base that fits decides, so the narrower stands before the wider.
_MAKERS: Final[tuple[tuple[Any, Callable[[Any, Dialect], Form]], ...]] = (
    (UtcDateTime, utc_codec),
    (FixedDecimal, fixed_codec),
    (types.Enum, enum_codec),
    (types.String, text_codec),
    (types.Integer, integer_codec),
    (types.Float, float_codec),
    (types.Numeric, numeric_codec),
    (types.Boolean, boolean_codec),
    (types.DateTime, moment_codec),
    (types.Date, date_codec),
    (types.Time, time_codec),
    (types.Uuid, uuid_codec),
    (types.JSON, document_codec),
    (types.LargeBinary, binary_codec),
)


def codec_for(kind: TypeEngine[Any], dialect: Dialect) -> Codec:
    """Choose the codec of a column type.

    Raises:
        TypeError: The type is none that JSON can carry.
    """
    for base, make in _MAKERS:
        if isinstance(kind, base):
            form = make(kind, dialect)
            break
    else:
        raise TypeError(f"no JSON form is known for the column type {kind!r}")
    impl = kind.dialect_impl(dialect)
    result = _chain(_reader(kind, impl, dialect), form.to_wire)
    if isinstance(kind, UtcDateTime):
        result = None if kind.is_text(dialect) else format_moment
    if isinstance(kind, FixedDecimal):
        result = kind.number  # From units: no decimal on the way.
    return Codec(
        from_json=form.from_json,
        from_text=form.from_text,
        to_driver=impl.bind_processor(dialect),
        to_wire=None if result is None else _nullable(result),
        schema=form.schema,
        accepts=form.accepts or form.schema,
        is_text=isinstance(kind, types.String) and not isinstance(kind, types.Enum),
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
