"""What tells rows apart for ever: the external id, given or derived.

The API keeps an entry once for each ``source`` and ``external_id``. Where the external tool has no
id, one is derived from what the row says and from how many equal rows stand before it, so the same
file gives the same ids however often it is read.
"""

from array import array
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from client.importing.mapper import RowError

_FIRST_SLOTS: Final = 1 << 12
_KEY_BYTES: Final = 8
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encode(entry: Mapping[str, Any]) -> bytes:
    """Give an entry as JSON, the same for the same content.

    Raises:
        RowError: It holds what JSON cannot, such as half of a surrogate pair.
    """
    try:
        return _ENCODER.encode(entry)
    except (ValueError, OverflowError, RecursionError) as error:
        raise RowError("holds text or a number that JSON cannot carry") from error


class Identifier:
    """Gives each entry of one reading its natural key.

    Args:
        source: The external system's name, for rows that bring none.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen = Tally()

    def identify(self, entry: dict[str, Any]) -> None:
        """Complete an entry by ``source`` and ``external_id``.

        Raises:
            RowError: The id that it brings was another row's already.
        """
        entry.setdefault("source", self._source)
        given = entry.get("external_id")
        digest = sha256(encode({"key": [entry["source"], given]} if given else entry))
        before = self._seen.add(int.from_bytes(digest.digest()[:_KEY_BYTES], "big"))
        if not given:
            digest.update(b"%d" % before)
            entry["external_id"] = digest.hexdigest()
        elif before:
            raise RowError(f"external_id {given!r} is an earlier row's already")


class Tally:
    """Counts how often each of many numbers was there, in 12 to 36 bytes a number.

    A dictionary would take 100. Open addressing with linear probing: slots of numbers, and beside
    them the counts. At a million rows, the chance that any two different ones share a number of
    64 bits is 1 to 37 million.
    """

    def __init__(self) -> None:
        self._numbers = array("Q", [0]) * _FIRST_SLOTS
        self._counts = array("I", [0]) * _FIRST_SLOTS
        self._used = 0

    def add(self, number: int) -> int:
        """Count a number of 64 bits; give how often it was there before."""
        at = self._find(number)
        before = self._counts[at]
        self._numbers[at] = number
        self._counts[at] = before + 1
        if not before:
            self._used += 1
            if self._used * 3 > len(self._numbers) * 2:
                self._grow()
        return before

    def _find(self, number: int) -> int:
        """Give the number's slot, or the free one where it belongs."""
        last = len(self._numbers) - 1
        at = number & last
        while self._counts[at] and self._numbers[at] != number:
            at = (at + 1) & last
        return at

    def _grow(self) -> None:
        numbers, counts = self._numbers, self._counts
        self._numbers = array("Q", [0]) * (2 * len(numbers))
        self._counts = array("I", [0]) * (2 * len(counts))
        for number, count in zip(numbers, counts, strict=True):
            if count:
                at = self._find(number)
                self._numbers[at], self._counts[at] = number, count
