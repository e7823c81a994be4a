"""An LRU cache of verified tokens.

It is limited in entries and in bytes, since callers choose the size of their tokens. Keys are
SHA-256 digests: the cache contains no token that could be stolen. ``jwt_verifier`` repeats all
checks but the signature's for each request.

It is written by hand because ``cachetools.LRUCache`` has one limit instead of two, and ``get``, on
the path of every request, takes four times as long there.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar

from encore.auth.access_token import AccessToken
from encore.auth.memory_size import memory_bytes
from encore.auth.trusted_issuer import TrustedIssuer

_ENTRY_BYTES: Final = 1_500
"""Size of an entry besides its claims: the token, its sets, digest and items of two maps."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""Size of all entries of one cache: some 8,000 ordinary tokens, or 200 of the largest."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CachedToken:
    """A token, the requirements that it met, and the generation of the keys that verified it."""

    token: AccessToken
    trusted: TrustedIssuer
    generation: int


class TokenCache(Generic[T]):
    """A cache of results by token.

    Args:
        size: Maximum number of entries; 0 disables the cache.
        max_bytes: Maximum size of all entries, in bytes.
    """

    def __init__(self, size: int, max_bytes: int = MAX_BYTES) -> None:
        self._size = size
        self._max_bytes = max_bytes
        self._entries: OrderedDict[bytes, T] = OrderedDict()
        self._sizes: dict[bytes, int] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @staticmethod
    def digest(credential: bytes) -> bytes:
        """Return the key of a token."""
        return sha256(credential).digest()

    def get(self, digest: bytes) -> T | None:
        """Return an entry and mark it as the most recently used; None without one."""
        entry = self._entries.get(digest)
        if entry is not None:
            self._entries.move_to_end(digest)
        return entry

    def put(self, digest: bytes, entry: T, document: Any) -> None:
        """Add an entry; evict the least recently used ones.

        Args:
            digest: The key of the token.
            entry: The result.
            document: The claims of the entry, for its size.
        """
        size = _ENTRY_BYTES + memory_bytes(document)
        if self._size <= 0 or size > self._max_bytes:
            return
        self.bytes += size - self._sizes.get(digest, 0)
        self._sizes[digest] = size
        self._entries[digest] = entry
        self._entries.move_to_end(digest)
        while len(self._entries) > self._size or self.bytes > self._max_bytes:
            oldest, _ = self._entries.popitem(last=False)
            self.bytes -= self._sizes.pop(oldest)
