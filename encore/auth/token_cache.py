"""What was found out about tokens, so that it is not found out again.

Owns a map in order of last use, bounded in entries and in bytes: callers choose how large their
tokens are. A token is known by its SHA-256 only: the cache holds no credential that could be stolen
from it. It holds results, not permissions: what else makes a token acceptable is judged again by
``verifier`` each time.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar

from encore.auth.access_token import AccessToken
from encore.auth.memory_size import memory_bytes

_ENTRY_BYTES: Final = 1_500
"""Of an entry besides its claims: the grant, its sets, digest and places in two maps."""


MAX_BYTES: Final = 16 * 1024 * 1024
"""Of all claims that one cache holds: some 8,000 ordinary tokens, or 200 of the largest."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CachedToken:
    """A grant and the generation of the issuer's keys under which it was verified."""

    grant: AccessToken
    generation: int


class TokenCache(Generic[T]):
    """The cache.

    Args:
        size: Entries to hold at most; 0 switches it off.
        max_bytes: Bytes that they may take together.
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
        """Give the name under which a token is kept."""
        return sha256(credential).digest()

    def get(self, digest: bytes) -> T | None:
        """Give an entry, which thereby becomes the last to be dropped."""
        entry = self._entries.get(digest)
        if entry is not None:
            self._entries.move_to_end(digest)
        return entry

    def put(self, digest: bytes, entry: T, document: Any) -> None:
        """Keep an entry, at the cost of those unused for longest.

        Args:
            digest: The token's.
            entry: What was found out.
            document: The claims that the entry holds; their size counts.
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
