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
    quoted = _QUOTED.fullmatch(value)
    if quoted is not None:
        key = _ESCAPED.sub(rb"\1", quoted[1])
    elif _BARE.fullmatch(value):
        key = value
    else:
        raise BadRequest(
            f"Idempotency-Key must be 1 to {MAX_CHARACTERS} visible ASCII characters, or a string"
            " in quotation marks (RFC 9651) without parameters"
        )
    if not 1 <= len(key) <= MAX_CHARACTERS:
        raise BadRequest(f"Idempotency-Key must have 1 to {MAX_CHARACTERS} characters")
    return key.decode("ascii")
