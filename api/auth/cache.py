"""Tokens whose signature was found good, so that it is not computed again.

Owns a bounded map in order of last use. A token is known by its SHA-256 only: the cache holds no
credential that could be stolen from it. It holds results, not permissions: what else makes a token
acceptable is judged again by ``verifier`` each time.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from api.auth.grants import Grant


@dataclass(frozen=True, slots=True)
class Entry:
    """A grant and the generation of the issuer's keys under which it was verified."""

    grant: Grant
    generation: int


class VerifiedTokens:
    """The cache.

    Args:
        size: Entries to hold at most; 0 switches it off.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    @staticmethod
    def digest(credential: bytes) -> bytes:
        """Give the name under which a token is kept."""
        return sha256(credential).digest()

    def get(self, digest: bytes) -> Entry | None:
        """Give an entry, which thereby becomes the last to be dropped."""
        entry = self._entries.get(digest)
        if entry is not None:
            self._entries.move_to_end(digest)
        return entry

    def put(self, digest: bytes, entry: Entry) -> None:
        """Keep an entry, at the cost of the one unused for longest."""
        if self._size <= 0:
            return
        self._entries[digest] = entry
        self._entries.move_to_end(digest)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
