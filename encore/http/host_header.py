"""Validation of the ``Host`` header of HTTP/1.1: exactly one, and valid (RFC 9112, section 3.2).

Servers pass a missing header on as an empty one, and an http URI with an empty host is invalid
(RFC 9110, section 4.2.1): both are rejected.
"""

import re
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from encore.errors import BadRequest

_HOST: Final = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.v]+\])(?::[0-9]*)?")

_MAX_BYTES: Final = 512
"""DNS names have at most 253 characters; longer values are rejected and not cached."""


def host_error(scope: Scope) -> BadRequest | None:
    """Return the error of a request without exactly one valid host; None if it is valid."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) == 1 and len(hosts[0]) <= _MAX_BYTES and _is_valid(hosts[0]):
        return None
    return BadRequest("An HTTP/1.1 request must have exactly one valid Host header")


@lru_cache(256)
def _is_valid(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None
