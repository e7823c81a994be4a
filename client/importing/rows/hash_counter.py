"""Counts occurrences of hashes in little memory."""

from array import array
from typing import Final

_KEY_BYTES: Final = 8
_TABLES: Final = 64
_INITIAL_SLOTS: Final = 50
_MAX_BYTE: Final = 255


class HashCounter:
    """Counts occurrences of 64-bit hashes, in 11 to 17 bytes for each distinct hash.

    A dictionary would take 100. Hashes are spread over small tables, since a table that grows is
    in memory twice. With a million rows, the probability that two different ones have the same
    64-bit hash is 1 in 37 million.
    """

    def __init__(self) -> None:
        self._tables = [_Table() for _ in range(_TABLES)]

    def add_digest(self, digest: bytes) -> int:
        """Count a longer hash by its first 64 bits; return how often it was added before."""
        return self.add(int.from_bytes(digest[:_KEY_BYTES], "big"))

    def add(self, hash_: int) -> int:
        """Count a 64-bit hash; return how often it was added before."""
        return self._tables[hash_ % _TABLES].add(hash_ // _TABLES)


class _Table:
    """Open addressing with linear probing: an array of hashes, and one of counts."""

    def __init__(self) -> None:
        self._hashes = array("Q", [0]) * _INITIAL_SLOTS
        self._counts = bytearray(_INITIAL_SLOTS)
        self._large_counts: dict[int, int] = {}
        """Of hashes whose count does not fit into a byte."""
        self._free = _INITIAL_SLOTS * 4 // 5

    def add(self, hash_: int) -> int:
        slot = self._find_slot(hash_)
        earlier = self._counts[slot]
        if earlier == _MAX_BYTE:
            earlier = self._large_counts.get(hash_, _MAX_BYTE)
            self._large_counts[hash_] = earlier + 1
            return earlier
        self._counts[slot] = earlier + 1
        if not earlier:
            self._hashes[slot] = hash_
            self._free -= 1
            if not self._free:
                self._grow()
        return earlier

    def _find_slot(self, hash_: int) -> int:
        """Return the slot of a hash, or the free one to put it into."""
        hashes, counts = self._hashes, self._counts
        slot = hash_ % len(hashes)
        while counts[slot] and hashes[slot] != hash_:
            slot += 1
            if slot == len(hashes):
                slot = 0
        return slot

    def _grow(self) -> None:
        """Make half as many more slots, of which four in five are used before the next time."""
        hashes, counts = self._hashes, self._counts
        slots = len(hashes) * 3 // 2
        self._hashes = array("Q", [0]) * slots
        self._counts = bytearray(slots)
        self._free = slots * 4 // 5 - len(hashes) * 4 // 5
        for hash_, count in zip(hashes, counts, strict=True):
            if count:
                slot = self._find_slot(hash_)
                self._hashes[slot], self._counts[slot] = hash_, count
