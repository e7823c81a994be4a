"""``TOKEN`` in the environment: a token that is sent as it is, never cached and never renewed.

It is read from the environment of the process only. A token in a file would be sent long after its
end, or, in a project of others, with their identity.
"""

import re
from collections.abc import Mapping
from typing import Final

from encore.client.errors import ConfigurationError

NAME: Final = "TOKEN"

_SYNTAX: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def read_token(variables: Mapping[str, str]) -> str:
    """Return the token of the environment; empty if it is not set, or empty.

    Raises:
        ConfigurationError: It cannot be a bearer token (RFC 6750 section 2.1).
    """
    token = variables.get(NAME, "").strip()
    if not token or _SYNTAX.fullmatch(token):
        return token
    if token.lower().startswith("bearer "):
        raise ConfigurationError(f"{NAME} must be the token alone, without the word Bearer.")
    raise ConfigurationError(f"{NAME} contains characters that tokens cannot have; unset it.")
