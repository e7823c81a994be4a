"""Preconditions of requests that write (RFC 9110, section 13.1).

Rows have no entity tags yet, so none that a caller names can match: such a request is refused, as
the RFC asks of a server that evaluates it. ``If-Unmodified-Since`` is ignored, since no answer
carries a ``Last-Modified`` (section 13.1.4).
"""

from starlette.types import Scope

from encore.errors import PreconditionFailed
from encore.http.request_body import get_header


def check_preconditions(scope: Scope) -> None:
    """Refuse a write whose precondition cannot hold. Raises ``PreconditionFailed``."""
    if_match = get_header(scope, b"if-match")
    if if_match is not None and if_match.strip() != b"*":
        raise PreconditionFailed("Rows have no entity tags: If-Match can only be *")
    if_none_match = get_header(scope, b"if-none-match")
    if if_none_match is not None and if_none_match.strip() == b"*":
        raise PreconditionFailed("If-None-Match: * is not supported")
