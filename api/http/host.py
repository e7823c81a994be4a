"""The ``Host`` header of HTTP/1.1: one, and well-formed (RFC 9112, section 3.2).

Servers hand over a missing one as an empty one, and an http URI with an empty host is invalid
(RFC 9110, section 4.2.1): both are refused.
"""

import re
from typing import Final

from starlette.types import Scope

from api.errors import BadRequest

_HOST: Final = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.v]+\])(?::[0-9]*)?")


def check_host(scope: Scope) -> None:
    """Refuse a request that does not name one host, since two readers could see two.

    Raises:
        BadRequest: There is none, or there are several, or it is malformed.
    """
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise BadRequest("A request of HTTP/1.1 must have one well-formed Host header")
