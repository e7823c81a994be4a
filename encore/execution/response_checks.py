"""Checks of a response that hooks may have changed, before the transaction is committed.

A server cannot send an invalid status or headers that are not bytes; one of them would stop its
worker, and by then the rows would be written.
"""

import re
from typing import Any, Final

from encore.errors import HookError

_STATUSES: Final = range(200, 600)
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[^\0\r\n]*")
_OF_SERVERS: Final = (b"content-length", b"transfer-encoding", b"connection")


def check_response(status: Any, headers: Any, body: Any) -> None:
    """Raise ``HookError`` for a response that cannot be sent."""
    if not isinstance(status, int) or status not in _STATUSES:
        raise HookError("the status of a response must be an integer from 200 to 599")
    if not isinstance(headers, list | tuple) or not all(map(_is_header, headers)):
        raise HookError("headers of a response must be a list of pairs of bytes, without newlines")
    for name, _ in headers:
        if name.lower() in _OF_SERVERS:
            raise HookError(f"the header {name.decode()} is set by the server alone")
    if not isinstance(body, bytes):
        raise HookError(f"the body of a response must be bytes, not {type(body).__name__}")


def _is_header(pair: Any) -> bool:
    match pair:
        case (bytes() as name, bytes() as value):
            return bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value))
        case _:
            return False
