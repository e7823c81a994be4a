"""External ids: what identifies a row permanently, either given in the row or derived from it.

The API stores one entry for each ``source`` and ``external_id``. Where the external system has no
id, one is derived from the row's content and from the number of equal rows before it, so the same
file has the same ids however often it is read.
"""

from array import array
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from client.importing.rows.row_mapper import RowError

_INITIAL_SLOTS: Final = 1 << 12
_KEY_BYTES: Final = 8
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode_entry(entry: Mapping[str, Any]) -> bytes:
    """Return an entry as JSON, the same for the same content.

    Raises:
        RowError: It contains what JSON cannot represent, such as half of a surrogate pair.
    """
    try:
        return _ENCODER.encode(entry)
    except (ValueError, OverflowError, RecursionError) as error:
        raise RowError("contains a string or a number that JSON cannot represent") from error


class ExternalIds:
    """Sets the natural key of each entry of one reading of the source.

    Args:
        source: The external system's name, for rows without one.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen = HashCounter()

    def assign(self, entry: dict[str, Any]) -> None:
        """Set ``source`` and ``external_id`` of an entry, unless the row has them.

        Raises:
            RowError: An earlier row had the same id.
        """
        entry.setdefault("source", self._source)
        external_id = entry.get("external_id")
        key = {"key": [entry["source"], external_id]} if external_id else entry
        digest = sha256(encode_entry(key))
        earlier = self._seen.add(int.from_bytes(digest.digest()[:_KEY_BYTES], "big"))
        if not external_id:
            digest.update(b"%d" % earlier)
            entry["external_id"] = digest.hexdigest()
        elif earlier:
            raise RowError(f"duplicate external_id {external_id!r}: an earlier row has it")


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
