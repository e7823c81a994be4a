"""Counts occurrences of hashes in little memory."""

from array import array
from typing import Final

_INITIAL_SLOTS: Final = 1 << 12
_KEY_BYTES: Final = 8


class HashCounter:
    """Counts occurrences of 64-bit hashes, in 12 to 36 bytes for each distinct hash.

    A dictionary would take 100. Open addressing with linear probing: one array of hashes, and one
    of counts. With a million rows, the probability that two different ones have the same 64-bit
    hash is 1 in 37 million.
    """

    def __init__(self) -> None:
        self._hashes = array("Q", [0]) * _INITIAL_SLOTS
        self._counts = array("I", [0]) * _INITIAL_SLOTS
        self._used = 0

    def add_digest(self, digest: bytes) -> int:
        """Count a longer hash by its first 64 bits; return how often it was added before."""
        return self.add(int.from_bytes(digest[:_KEY_BYTES], "big"))

    def add(self, hash_: int) -> int:
        """Count a 64-bit hash; return how often it was added before."""
        slot = self._find_slot(hash_)
        earlier = self._counts[slot]
        self._hashes[slot] = hash_
        self._counts[slot] = earlier + 1
        if not earlier:
            self._used += 1
            if self._used * 3 > len(self._hashes) * 2:
                self._grow()
        return earlier

    def _find_slot(self, hash_: int) -> int:
        """Return the slot of a hash, or the free one to put it into."""
        mask = len(self._hashes) - 1
        slot = hash_ & mask
        while self._counts[slot] and self._hashes[slot] != hash_:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        hashes, counts = self._hashes, self._counts
        self._hashes = array("Q", [0]) * (2 * len(hashes))
        self._counts = array("I", [0]) * (2 * len(counts))
        for hash_, count in zip(hashes, counts, strict=True):
            if count:
                slot = self._find_slot(hash_)
                self._hashes[slot], self._counts[slot] = hash_, count
