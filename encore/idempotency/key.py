"""The header ``Idempotency-Key``: quoted, as the draft defines it, or bare, as clients send it.

The draft's form is a String of RFC 9651 (section 3.3.3) without parameters: ``"8e03978e"``. A value
that does not begin with a quotation mark is the key itself. Both forms of a key mean the same.
"""

import re
from typing import Final

from starlette.types import Scope

from encore.errors import BadRequest

HEADER: Final = b"idempotency-key"
MAX_CHARACTERS: Final = 255

SCHEMA: Final = {"type": "string", "minLength": 1, "maxLength": 2 * MAX_CHARACTERS + 2}
"""The JSON schema of the header: in quotation marks, each character may be escaped."""

_BARE: Final = re.compile(rb"[\x21\x23-\x7e][\x21-\x7e]*")
_QUOTE: Final = b'"'
_QUOTED: Final = re.compile(rb'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPED: Final = re.compile(rb"\\(.)")


def find_key(scope: Scope) -> str | None:
    """Return the idempotency key of a request; None without one.

    Raises:
        BadRequest: The header is malformed, or there are several.
    """
    values = [value for name, value in scope["headers"] if name == HEADER]
    if not values:
        return None
    if len(values) > 1:
        raise BadRequest("Idempotency-Key must be sent once")
    return parse_key(values[0])


def parse_key(value: bytes) -> str:
    """Return the key in a value of the header.

    Raises:
        BadRequest: The value is neither 1 to 255 visible ASCII characters nor a String of RFC 9651
            with 1 to 255 characters.
    """
    value = value.strip(b" \t")
    is_quoted = value[:1] == _QUOTE
    match = _QUOTED.fullmatch(value) if is_quoted else _BARE.fullmatch(value)
    if match is None:
        raise BadRequest(
            f"Idempotency-Key must be 1 to {MAX_CHARACTERS} visible ASCII characters, or a string"
            " in quotation marks (RFC 9651) without parameters"
        )
    key = match[1] if is_quoted else value
    if is_quoted and b"\\" in key:
        key = _ESCAPED.sub(rb"\1", key)
    if not 1 <= len(key) <= MAX_CHARACTERS:
        raise BadRequest(f"Idempotency-Key must have 1 to {MAX_CHARACTERS} characters")
    return key.decode("ascii")
