"""JSON conversions of Python types, for values of any column type."""

import enum
import ipaddress
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Dialect, types
from sqlalchemy.dialects.postgresql.base import PGDialect

from encore.models.types.codec import Conversion, InvalidValue
from encore.models.types.json import json_conversion
from encore.models.types.numbers import (
    boolean_conversion,
    float_conversion,
    integer_conversion,
    numeric_conversion,
)
from encore.models.types.temporal import (
    date_conversion,
    datetime_conversion,
    iso_conversion,
    time_conversion,
)
from encore.models.types.text import binary_conversion, text_conversion, uuid_conversion

# Values of Python types, which no database limits: PostgreSQL's types have the fewest limits.
_NO_LIMITS: Final[Dialect] = PGDialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
_ADDRESSES: Final[Mapping[type, str]] = {
    ipaddress.IPv4Address: "an IPv4 address",
    ipaddress.IPv6Address: "an IPv6 address",
    ipaddress.IPv4Network: "an IPv4 network",
    ipaddress.IPv6Network: "an IPv6 network",
    ipaddress.IPv4Interface: "an IPv4 address",
    ipaddress.IPv6Interface: "an IPv6 address",
}

_SCALARS: Final[Mapping[type, Callable[[Dialect], Conversion]]] = {
    bool: lambda dialect: boolean_conversion(types.Boolean(), dialect),
    int: lambda dialect: integer_conversion(types.BigInteger(), dialect),
    float: lambda dialect: float_conversion(types.Float(), dialect),
    str: lambda dialect: text_conversion(types.String(), dialect),
    bytes: lambda dialect: binary_conversion(types.LargeBinary(), dialect),
    date: lambda dialect: date_conversion(types.Date(), dialect),
    time: lambda dialect: time_conversion(types.Time(), dialect),
    uuid.UUID: lambda dialect: uuid_conversion(types.Uuid(), dialect),
    # Digits are not limited: the decorator decides how the decimal is stored.
    Decimal: lambda _: numeric_conversion(types.Numeric(), _NO_LIMITS),
    object: lambda dialect: json_conversion(types.JSON(), dialect),
}
_JSON_TYPES: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}
_CONTAINERS: Final = (dict, list, tuple, set, frozenset)


def python_type_conversion(python: Any, dialect: Dialect, *, aware: bool) -> Conversion | None:
    """Return the JSON conversion of a Python type; None if there is none.

    Args:
        python: The type, or ``object`` for any JSON value.
        dialect: The dialect of the database.
        aware: Whether its datetimes have a time zone.
    """
    conversion: Conversion | None = None
    if python in _SCALARS:
        conversion = _SCALARS[python](dialect)
    elif python is datetime:
        conversion = datetime_conversion(types.DateTime(timezone=aware), _NO_LIMITS)
    elif python in _ADDRESSES:
        conversion = iso_conversion(python, _ADDRESSES[python], "", str)(None, dialect)
    elif python in _CONTAINERS:
        conversion = _container(python, dialect)
    elif isinstance(python, type) and issubclass(python, enum.Enum):
        conversion = _choices(python)
    return conversion


def _container(python: type, dialect: Dialect) -> Conversion:
    """Return the conversion of JSON objects to dicts, or of arrays to lists, tuples or sets."""
    document = json_conversion(types.JSON(), dialect)
    expected, schema = (dict, "object") if python is dict else (list, "array")

    def checked(value: Any) -> Any:
        if not isinstance(value, expected):
            raise InvalidValue(f"must be an {schema}", value)
        try:
            return value if python is expected else python(value)
        except TypeError as error:
            raise InvalidValue("must be an array of scalars") from error

    return Conversion(
        lambda value: checked(document.from_json(value)),
        lambda text: checked(document.from_text(text)),
        {"type": schema},
    )


def _choices(python: type[enum.Enum]) -> Conversion:
    """Return the conversion of an enumeration: by values if all are scalars, else by names."""
    scalars = all(isinstance(member.value, str | int | float) for member in python)
    shown = {member: member.value if scalars else member.name for member in python}
    members = {_text(value): member for member, value in shown.items()}
    choices = ", ".join(members)

    def from_json(value: Any) -> Any:
        for member, known in shown.items():
            if type(value) is type(known) and value == known:
                return member
        raise InvalidValue(f"must be one of {choices}", value)

    def from_text(text: str) -> Any:
        if text in members:
            return members[text]
        raise InvalidValue(f"must be one of {choices}", text)

    schema: dict[str, Any] = {"enum": list(shown.values())}
    types_ = {_JSON_TYPES.get(type(value)) for value in shown.values()}
    if len(types_) == 1 and None not in types_:
        schema = {"type": types_.pop(), **schema}
    return Conversion(from_json, from_text, schema, shown.__getitem__)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
