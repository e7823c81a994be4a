"""The ``scope`` parameter (RFC 6749 section 3.3).

Any well-formed scope is granted to a development client, so that 403 can be tested with tokens that
lack a scope.
"""

import re
from collections.abc import Sequence
from typing import Final

from encore.issuer.oauth_errors import InvalidScopeError

MAX_CHARACTERS: Final = 4096
"""Maximum length of ``scope``: encore rejects tokens of more than 16 KB."""

_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_SCOPES: Final = re.compile(rf"{_SCOPE.pattern}(?: {_SCOPE.pattern})*")


def parse_scope(scope: str) -> Sequence[str]:
    """Return the scopes of a space-delimited list, without duplicates, in their order.

    Raises:
        InvalidScopeError: It is malformed, or longer than ``MAX_CHARACTERS``.
    """
    if len(scope) > MAX_CHARACTERS or not _SCOPES.fullmatch(scope):
        raise InvalidScopeError("The scope parameter is malformed or too long.")
    return tuple(dict.fromkeys(scope.split(" ")))


def is_scope(scope: str) -> bool:
    """Return whether a string is one well-formed scope."""
    return len(scope) <= MAX_CHARACTERS and bool(_SCOPE.fullmatch(scope))
