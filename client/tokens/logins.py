"""The login of a person at an issuer, as a file: who it is, and how its token is renewed.

The tokens themselves are in ``FileTokenCache``, beside it.
"""

import json
import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final, NamedTuple

from client.tokens.file_cache import LOGIN_PREFIX, SUFFIX, FileTokenCache
from client.tokens.private_files import (
    UnsafeFileError,
    read_private_file,
    remove_file,
    write_private_file,
)
from encore.client.token_cache import TokenKey

_VERSION: Final = 1


class Login(NamedTuple):
    """The login of a person."""

    issuer: str
    client_id: str
    """A public client: it has no secret."""
    requested: str
    """The scopes that were requested, separated by blanks."""
    scope: str
    """Those that were granted."""
    audience: str
    token_url: str
    revocation_url: str
    """Empty if the issuer has none."""
    person: str
    """The name that is shown."""

    @property
    def key(self) -> TokenKey:
        """The key of its tokens."""
        return TokenKey(self.issuer, self.client_id, self.requested, self.audience)


def login_cache(directory: str, echo: Callable[[str], None]) -> FileTokenCache:
    """Return the cache of the tokens of logins."""
    return FileTokenCache(directory, prefix=LOGIN_PREFIX, echo=echo)


def load_login(directory: str, issuer: str) -> Login | None:
    """Return the login at an issuer; None without one, or if its file cannot be used."""
    path = _path(directory, issuer)
    try:
        content = read_private_file(path) if directory else None
        members: Any = None if content is None else json.loads(content)
    except (UnsafeFileError, OSError, ValueError, RecursionError):
        return None
    if not isinstance(members, dict) or members.pop("version", None) != _VERSION:
        return None
    if members.keys() != set(Login._fields) or members["issuer"] != issuer:
        return None
    if not all(isinstance(value, str) for value in members.values()):
        return None
    return Login(**members)


def has_login_file(directory: str, issuer: str) -> bool:
    """Return whether there is a file for a login at an issuer, whether it can be used or not."""
    return bool(directory) and os.path.lexists(_path(directory, issuer))


def save_login(directory: str, login: Login) -> None:
    """Replace the login at its issuer.

    Raises:
        UnsafeFileError: The directory is not the user's own.
        OSError: The file cannot be written.
    """
    content = json.dumps({"version": _VERSION, **login._asdict()})
    write_private_file(_path(directory, login.issuer), content.encode())


def remove_login(directory: str, issuer: str) -> bool:
    """Remove the login at an issuer, if there is one; return whether there was a file."""
    return bool(directory) and remove_file(_path(directory, issuer))


def _path(directory: str, issuer: str) -> str:
    digest = sha256(f"login {issuer}".encode()).hexdigest()
    return f"{directory}/{LOGIN_PREFIX}{digest[:40]}{SUFFIX}"
