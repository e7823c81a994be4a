"""Text, and what is written as text: choices, identifiers, binary data.

A number given for a text column becomes text, written as JavaScript writes it: the one kindness of
Finale that the Okta seed relies on.
"""

import base64
import binascii
import math
import uuid
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Dialect, types

from encore.models.types.codec import Conversion, InvalidValue
from encore.models.types.temporal import iso_conversion

_PLAIN_FROM: Final = 1e-6
_PLAIN_BELOW: Final = 1e21


def check_text(text: str, length: int | None = None) -> str:
    """Refuse text that no database, or not this column, can hold; ``length`` is in characters."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidValue("must be valid Unicode, without lone surrogates") from error
    if "\x00" in text:
        raise InvalidValue("must not hold a NUL character")
    if length is not None and len(text) > length:
        raise InvalidValue(f"must be at most {length} characters long, not {len(text)}")
    return text


def text_conversion(kind: types.String, _: Dialect) -> Conversion:
    """Read and write text; a number becomes text."""
    length = kind.length

    def from_json(value: Any) -> str:
        if isinstance(value, str):
            return check_text(value, length)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return check_text(_number_text(value), length)
        if isinstance(value, dict | list):
            raise InvalidValue("cannot be an array or an object", kind="string violation")
        raise InvalidValue("must be text", kind="string violation")

    def from_text(value: str) -> str:
        return check_text(value)

    schema: dict[str, Any] = {"type": "string"}
    if length is not None:
        schema["maxLength"] = length
    accepts = {"anyOf": [schema, {"type": "number"}]}
    return Conversion(from_json, from_text, schema, accepts=accepts)


def _number_text(value: int | float) -> str:  # noqa: PYI041 - the two are written differently
    """Write a number as JavaScript's ``String`` does (ECMA-262, Number::toString)."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise InvalidValue("must be a finite number")
    if value == 0:
        return "0"
    if _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return f"{Decimal(repr(value)).normalize():f}"
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def enum_conversion(kind: types.Enum, _: Dialect) -> Conversion:
    """Read and write one of a few names."""
    # SQLAlchemy's own, which knows of aliases and of ``values_callable``.
    members: dict[str, Any] = {name: kind._object_lookup[name] for name in kind.enums}  # noqa: SLF001 - nothing public gives it
    names = {member: name for name, member in reversed(members.items())}

    def from_text(value: Any) -> Any:
        if isinstance(value, str) and value in members:
            return members[value]
        raise InvalidValue(f"must be one of {', '.join(members)}", value)

    def wire(value: Any) -> Any:
        return names.get(value, value)

    return Conversion(from_text, from_text, {"type": "string", "enum": list(members)}, wire)


def uuid_conversion(kind: types.Uuid[Any], dialect: Dialect) -> Conversion:
    """Read and write a UUID."""

    def parse(text: str) -> Any:
        value = uuid.UUID(text)
        return value if kind.as_uuid else str(value)

    return iso_conversion(parse, "a UUID", "uuid", str)(kind, dialect)


def binary_conversion(kind: types.LargeBinary, _: Dialect) -> Conversion:
    """Read and write bytes, in JSON as base64."""

    def from_text(value: Any) -> bytes:
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise InvalidValue("must be base64") from error
        if kind.length is not None and len(data) > kind.length:
            raise InvalidValue(f"must be at most {kind.length} bytes long, not {len(data)}")
        return data

    schema = {"type": "string", "contentEncoding": "base64"}
    return Conversion(from_text, from_text, schema, lambda value: base64.b64encode(value).decode())
