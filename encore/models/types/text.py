"""Conversions of strings, and of types that are strings in JSON: enums, UUIDs, bytes, addresses.

A number for a text column is converted to a string as in JavaScript: clients of Finale rely on it.
"""

import base64
import binascii
import ipaddress
import math
import sys
import uuid
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Dialect, types
from sqlalchemy.dialects import postgresql

from encore.models.types.codec import Conversion, InvalidValue
from encore.models.types.temporal import iso_conversion

_MIN_FIXED: Final = 1e-6
"""The smallest number that JavaScript writes without an exponent."""

_MIN_EXPONENTIAL: Final = 1e21
"""The smallest large number that JavaScript writes with an exponent."""


def check_text(text: str, length: int | None = None) -> str:
    """Return the text. Raise ``InvalidValue`` if no database, or not this column, can store it.

    Args:
        text: The text.
        length: The maximum length of the column in characters; None for any.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidValue("must be valid Unicode, without lone surrogates") from error
    if "\x00" in text:
        raise InvalidValue("must not contain a NUL character")
    if length is not None and len(text) > length:
        raise InvalidValue(f"must be at most {length} characters long, not {len(text)}")
    return text


def text_conversion(type_: types.String, _: Dialect) -> Conversion:
    """Return the conversion of strings; numbers in JSON become strings."""
    length = type_.length
    longest = sys.maxsize if length is None else length

    def from_json(value: Any) -> str:
        if isinstance(value, str):
            if value.isascii() and len(value) <= longest and "\x00" not in value:
                return value
            return check_text(value, length)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return check_text(_number_text(value), length)
        if isinstance(value, dict | list):
            raise InvalidValue("cannot be an array or an object", type_="string violation")
        raise InvalidValue("must be a string", type_="string violation")

    def from_text(value: str) -> str:
        return check_text(value)

    schema: dict[str, Any] = {"type": "string"}
    if length is not None:
        schema["maxLength"] = length
    return Conversion(from_json, from_text, schema)


def _number_text(value: int | float) -> str:  # noqa: PYI041 - the two are formatted differently
    """Return a number as JavaScript's ``String`` formats it (ECMA-262, Number::toString)."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise InvalidValue("must be a finite number")
    if value == 0:
        return "0"
    if _MIN_FIXED <= abs(value) < _MIN_EXPONENTIAL:
        return f"{Decimal(repr(value)).normalize():f}"
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def enum_conversion(type_: types.Enum, _: Dialect) -> Conversion:
    """Return the conversion of an enum's names."""
    # SQLAlchemy's lookup supports aliases and ``values_callable``.
    members: dict[str, Any] = {name: type_._object_lookup[name] for name in type_.enums}  # noqa: SLF001 - there is no public access
    names = {member: name for name, member in reversed(members.items())}

    def from_text(value: Any) -> Any:
        if isinstance(value, str) and value in members:
            return members[value]
        raise InvalidValue(f"must be one of {', '.join(members)}", value)

    def wire(value: Any) -> Any:
        return names.get(value, value)

    return Conversion(from_text, from_text, {"type": "string", "enum": list(members)}, wire)


def uuid_conversion(type_: types.Uuid[Any], dialect: Dialect) -> Conversion:
    """Return the conversion of UUIDs."""

    def parse(text: str) -> Any:
        value = uuid.UUID(text)
        return value if type_.as_uuid else str(value)

    return iso_conversion(parse, "a UUID", "uuid", str)(type_, dialect)


def binary_conversion(type_: types.LargeBinary, _: Dialect) -> Conversion:
    """Return the conversion of bytes, base64 in JSON (RFC 4648)."""

    def from_text(value: Any) -> bytes:
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise InvalidValue("must be base64") from error
        if type_.length is not None and len(data) > type_.length:
            raise InvalidValue(f"must be at most {type_.length} bytes long, not {len(data)}")
        return data

    schema = {"type": "string", "contentEncoding": "base64"}
    return Conversion(from_text, from_text, schema, lambda value: base64.b64encode(value).decode())


def network_conversion(type_: Any, dialect: Dialect) -> Conversion:
    """Return the conversion of PostgreSQL's INET and CIDR."""
    if isinstance(type_, postgresql.CIDR):
        form = iso_conversion(ipaddress.ip_network, "a network such as 192.0.2.0/24", "", str)
    else:
        form = iso_conversion(ipaddress.ip_interface, "an address such as 192.0.2.1", "", _address)
    return form(type_, dialect)._replace(schema={"type": "string"})


def _address(value: Any) -> str:
    """Return an address, without the prefix length of a single host, as in PostgreSQL."""
    text = str(value)
    whole = "/128" if ":" in text else "/32"
    return text.removesuffix(whole)


def unparsed_text_conversion(_: Any, __: Dialect) -> Conversion:
    """Return the conversion of types that only the database parses: MACADDR, MONEY."""

    def from_text(value: Any) -> str:
        if not isinstance(value, str):
            raise InvalidValue("must be a string", value)
        return check_text(value)

    return Conversion(from_text, from_text, {"type": "string"})
