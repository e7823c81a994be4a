"""The grammar of ``scope`` (RFC 6749 section 3.3).

Any well-formed scope is granted to a development client, so that tokens with too little can be
had, and a service's 403 tried.
"""

import re
from collections.abc import Sequence

from encore.issuer.oauth_errors import InvalidScopeError

MAX_CHARACTERS = 4096
"""Longest scope that is granted: a token beyond 16 KB would be refused by our own service."""

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*")


def parse_scope(text: str) -> Sequence[str]:
    """Give the scopes of a space-divided list, each once, in the order asked for.

    Raises:
        InvalidScopeError: It is not of the RFC's grammar, or longer than ``MAX_CHARACTERS``.
    """
    if len(text) > MAX_CHARACTERS or not _SCOPE.fullmatch(text):
        raise InvalidScopeError("The scope parameter is malformed or too long.")
    return tuple(dict.fromkeys(text.split(" ")))
