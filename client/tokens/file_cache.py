"""A cache of tokens in files, which all commands of a user share: one file for each key.

A file that cannot be used is replaced; if none can be written, every command requests a token, and
one line says so. Nothing here fails a request.
"""

import json
import os
import time
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from client.tokens.private_files import (
    FILE_MODE,
    TEMPORARY,
    UnsafeFileError,
    create_private_directory,
    read_private_file,
    remove_file,
    write_private_file,
)
from encore.client.token_cache import CachedToken, TokenKey

if TYPE_CHECKING:
    from filelock import BaseFileLock

SUFFIX: Final = ".json"
LOGIN_PREFIX: Final = "login-"
"""Begins the names of files that are not removed when they are old: refresh tokens live long."""

OLD_SECONDS: Final = 2 * 86_400.0
"""Access tokens are used for a day at most; older files are removed."""

_LOCK: Final = ".lock"
_VERSION: Final = 1
_CLOCK_SECONDS: Final = 60.0
"""How far the clocks of two machines with one home directory may differ."""

_LATEST: Final = 1e11
"""The latest time in a file, in seconds; excludes NaN and Infinity too."""

_NAMES: Final = ("issuer", "client_id", "scope", "audience")


class FileTokenCache:
    """Keeps tokens in a directory. Processes and threads may share it.

    Args:
        directory: Created when the first token is saved; empty keeps nothing.
        secret: What else must be the same for a token to be used: a client's secret. The name of
            the file depends on it; it is not stored.
        prefix: Begins the names of the files.
        echo: Receives a line when tokens cannot be kept.
        clock: Returns seconds since 1970.
    """

    def __init__(
        self,
        directory: str,
        secret: str = "",
        *,
        prefix: str = "",
        echo: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._secret = secret
        self._prefix = prefix
        self._echo = echo
        self._clock = clock
        self._locks: dict[TokenKey, BaseFileLock] = {}
        self._has_warned = False

    def path(self, key: TokenKey) -> str:
        """Return the path of a key's file."""
        digest = sha256(json.dumps([*key, self._secret]).encode()).hexdigest()
        return f"{self._directory}/{self._prefix}{digest[:40]}{SUFFIX}"

    def load(self, key: TokenKey) -> CachedToken | None:
        """Return the token that was saved last, expired or not; None without a usable file."""
        path = self.path(key)
        try:
            content = read_private_file(path) if self._directory else None
        except UnsafeFileError as reason:
            remove_file(path)
            self._echo(f"The token in {path} was not used, and removed: {reason}.")
            return None
        except OSError as error:
            self._warn(error)
            return None
        return None if content is None else _parse(content, key, self._clock())

    def save(self, key: TokenKey, token: CachedToken) -> None:
        """Replace the token's file, and remove old ones."""
        if not self._directory:
            self._warn(None)
            return
        members = {
            "version": _VERSION,
            **dict(zip(_NAMES, key, strict=True)),
            **token._asdict(),
            "saved_at": self._clock(),
        }
        try:
            write_private_file(self.path(key), json.dumps(members).encode())
            self._remove_old()
        except (UnsafeFileError, OSError) as error:
            self._warn(error)

    def remove(self, key: TokenKey) -> bool:
        """Remove the token; return whether there was one."""
        return bool(self._directory) and remove_file(self.path(key))

    def try_lock(self, key: TokenKey) -> bool:
        """Return whether the caller may request a token now; true if files cannot be locked."""
        if not self._directory:
            return True
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only to request a token.

        path = self.path(key).removesuffix(SUFFIX) + _LOCK
        lock = FileLock(
            path, blocking=False, fallback_to_soft=False, mode=FILE_MODE, thread_local=False
        )
        try:
            create_private_directory(self._directory)
            lock.acquire()
        except Timeout:
            return False
        except (UnsafeFileError, OSError, NotImplementedError):
            return True  # save says why.
        self._locks[key] = lock
        return True

    def unlock(self, key: TokenKey) -> None:
        """End what a successful ``try_lock`` began."""
        lock = self._locks.pop(key, None)
        if lock is not None:
            lock.release()

    def _remove_old(self) -> None:
        """Remove files that are no longer used: of other secrets, or left by a killed process."""
        before = self._clock() - OLD_SECONDS
        with os.scandir(self._directory) as entries:
            for entry in entries:
                is_kept = entry.name.startswith(LOGIN_PREFIX) and entry.name.endswith(SUFFIX)
                is_ours = entry.name.endswith((SUFFIX, _LOCK, TEMPORARY))
                if is_ours and not is_kept and entry.stat(follow_symlinks=False).st_mtime < before:
                    remove_file(entry.path)

    def _warn(self, error: Exception | None) -> None:
        """Say once that every command will request a token."""
        if self._has_warned:
            return
        self._has_warned = True
        reason = getattr(error, "strerror", None) or error or "there is no home directory"
        self._echo(
            f"Tokens cannot be kept in {self._directory or '~/.local/state'}: {reason}. Every"
            " command requests one."
        )


def _parse(content: bytes, key: TokenKey, now: float) -> CachedToken | None:
    """Return the token of a file; None if it is damaged, of another key, or from the future."""
    try:
        members: Any = json.loads(content)
        if tuple(members[name] for name in _NAMES) != tuple(key) or members["version"] != _VERSION:
            return None
        token = CachedToken(
            access_token=_token(members["access_token"]),
            renew_at=_number(members["renew_at"]),
            expires_at=_number(members["expires_at"]),
            refresh_token=_string(members["refresh_token"]),
        )
        # The clock was set back: how long the token lasts is unknown.
        is_later = _number(members["saved_at"]) > now + _CLOCK_SECONDS
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return token._replace(renew_at=0.0, expires_at=0.0) if is_later else token


def _token(value: Any) -> str:
    """Return a token that can be in a header."""
    if not value or " " in _string(value):
        raise ValueError
    return _string(value)


def _string(value: Any) -> str:
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        raise ValueError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        raise ValueError
    return float(value)
