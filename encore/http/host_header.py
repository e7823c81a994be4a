"""The ``Host`` header of HTTP/1.1: one, and well-formed (RFC 9112, section 3.2).

Servers hand over a missing one as an empty one, and an http URI with an empty host is invalid
(RFC 9110, section 4.2.1): both are refused.
"""

import re
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from encore.errors import BadRequest

_HOST: Final = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.v]+\])(?::[0-9]*)?")

_LONGEST: Final = 512
"""A name of DNS has 253 characters; longer values are refused, and not kept in memory."""


def host_error(scope: Scope) -> BadRequest | None:
    """Return the refusal of a request that does not name one host, since readers could differ."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) == 1 and len(hosts[0]) <= _LONGEST and _is_host(hosts[0]):
        return None
    return BadRequest("A request of HTTP/1.1 must have one well-formed Host header")


@lru_cache(256)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None
