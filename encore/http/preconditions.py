"""Preconditions of requests that write (RFC 9110, section 13.1).

Rows have no entity tags, so no entity tag of a request can match: such a request is rejected, as
the RFC requires, unless hooks of the action compare ``If-Match`` (the option ``checks_if_match``).
``If-Unmodified-Since`` is ignored, since no response has a ``Last-Modified`` (section 13.1.4).
"""

from starlette.types import Scope

from encore.errors import PreconditionFailed
from encore.http.request_body import get_header


def check_preconditions(scope: Scope, *, checks_if_match: bool = False) -> None:
    """Reject a write whose precondition cannot be met. Raises ``PreconditionFailed``.

    Args:
        scope: The request.
        checks_if_match: Whether hooks of the action compare ``If-Match``.
    """
    if_match = None if checks_if_match else get_header(scope, b"if-match")
    if if_match is not None and if_match.strip() != b"*":
        raise PreconditionFailed("If-Match must be *: rows have no entity tags")
    if_none_match = get_header(scope, b"if-none-match")
    if if_none_match is not None and if_none_match.strip() == b"*":
        raise PreconditionFailed("If-None-Match: * is not supported")
