"""``Content-Disposition`` (RFC 6266): responses that browsers save as files."""

import re
from typing import Final
from urllib.parse import quote

from encore.http.request_state import Header

_UNSAFE: Final = re.compile(r"[^\w.-]")
"""Characters that a file's name must not have on some system, or that would end the header."""


def attachment(name: str) -> Header:
    """Return the header of a response to be saved as a file.

    A name that is not ASCII is also encoded by RFC 8187.

    Args:
        name: The file's name; unsafe characters and dots at its beginning become ``_``.
    """
    safe = re.sub(r"^\.+", "_", _UNSAFE.sub("_", name))
    plain = "".join(letter if letter.isascii() else "_" for letter in safe)
    value = f'attachment; filename="{plain}"'
    if plain != safe:
        value += f"; filename*=UTF-8''{quote(safe, safe='')}"
    return (b"content-disposition", value.encode())
