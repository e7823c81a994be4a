"""Preconditions of requests that write (RFC 9110, section 13.1).

Rows have no entity tags, so no entity tag of a request can match: such a request is rejected, as
the RFC requires, unless hooks of the action compare ``If-Match`` (the option ``checks_if_match``).
``If-Unmodified-Since`` is ignored, since no response has a ``Last-Modified`` (section 13.1.4).
"""

from typing import Final

from starlette.types import Scope

from encore.errors import PreconditionFailed

_ANY: Final = b"*"


def check_preconditions(scope: Scope, *, checks_if_match: bool = False) -> None:
    """Reject a write whose precondition cannot be met. Raises ``PreconditionFailed``.

    Args:
        scope: The request.
        checks_if_match: Whether hooks of the action compare ``If-Match``.
    """
    if not checks_if_match and any(value != _ANY for value in _values(scope, b"if-match")):
        raise PreconditionFailed("If-Match must be *: rows have no entity tags")
    if_none_match = _values(scope, b"if-none-match")
    if _ANY in if_none_match:
        raise PreconditionFailed("If-None-Match: * is not supported")
    if checks_if_match and if_none_match:  # Elsewhere it is met: there are no tags to match.
        raise PreconditionFailed("If-None-Match is not supported where If-Match has tags")


def _values(scope: Scope, name: bytes) -> list[bytes]:
    """Return the values of all fields of this name: together they are one list (section 5.3)."""
    return [value.strip() for key, value in scope["headers"] if key == name]
