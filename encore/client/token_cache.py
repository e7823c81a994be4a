"""Where access tokens are kept: the protocol, and a cache in memory.

``ClientCredentials`` loads a token before it requests one, and saves each one that it gets. Caches
that several processes share, such as a file, implement ``TokenCache``.
"""

from threading import Lock
from typing import NamedTuple, Protocol


class TokenKey(NamedTuple):
    """What a cached token was requested for: no other request may use it."""

    issuer: str
    client_id: str
    scope: str
    audience: str


class CachedToken(NamedTuple):
    """An access token and its times, in seconds since 1970."""

    access_token: str
    renew_at: float
    """From when on a new token is requested: shortly before the end, or at half of a short life."""
    expires_at: float
    refresh_token: str = ""
    """For flows that have one; empty with client credentials."""

    def __repr__(self) -> str:
        """Return times only: a token must not get into a log."""
        return f"CachedToken('***', renew_at={self.renew_at}, expires_at={self.expires_at})"


class TokenCache(Protocol):
    """Keeps tokens, and lets one caller at a time request a new one.

    No method may block for long: an event loop calls them too. ``unlock`` may be called from
    another thread than ``try_lock``.
    """

    def load(self, key: TokenKey) -> CachedToken | None:
        """Return the token that was saved last, expired or not; None without one."""

    def save(self, key: TokenKey, token: CachedToken) -> None:
        """Replace the token."""

    def try_lock(self, key: TokenKey) -> bool:
        """Return whether the caller may request a token now; if not, it tries again soon."""

    def unlock(self, key: TokenKey) -> None:
        """End what a successful ``try_lock`` began."""


class MemoryTokenCache:
    """Keeps tokens until the process ends. Threads, tasks and clients may share one."""

    def __init__(self) -> None:
        self._tokens: dict[TokenKey, CachedToken] = {}
        self._locks: dict[TokenKey, Lock] = {}

    def load(self, key: TokenKey) -> CachedToken | None:
        """Return the token that was saved last, expired or not; None without one."""
        return self._tokens.get(key)

    def save(self, key: TokenKey, token: CachedToken) -> None:
        """Replace the token."""
        self._tokens[key] = token

    def try_lock(self, key: TokenKey) -> bool:
        """Return whether the caller may request a token now."""
        # setdefault is atomic: all callers get the same lock.
        return self._locks.setdefault(key, Lock()).acquire(blocking=False)

    def unlock(self, key: TokenKey) -> None:
        """End what a successful ``try_lock`` began."""
        self._locks[key].release()
