"""Headers that change how a request is handled, and that most requests do not have."""

from typing import Final

from starlette.types import Scope

from encore.http.entity_tags import (
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
)
from encore.http.unsupported_headers import IDEMPOTENCY_KEY

_SPECIAL: Final = frozenset(
    (
        IDEMPOTENCY_KEY,
        IF_MATCH,
        IF_MODIFIED_SINCE,
        IF_NONE_MATCH,
        IF_UNMODIFIED_SINCE,
        b"prefer",
    )
)


def has_special_headers(scope: Scope) -> bool:
    """Return whether a request has preconditions, preferences or a key: one loop finds all."""
    for name, _ in scope["headers"]:
        if name in _SPECIAL:
            break
    else:  # A loop takes half the time of any().
        return False
    return True
