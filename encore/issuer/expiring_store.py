"""Values behind random keys that expire: pending requests, codes.

In memory and limited in number, so that requests that nobody completes do not fill it. Keys are
kept as hashes, which are of no use to who reads the memory or compares times.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

CAPACITY: Final = 10_000
_KEY_BYTES: Final = 32

T = TypeVar("T")


class ExpiringStore(Generic[T]):
    """Values behind random keys, oldest first.

    Args:
        seconds: Lifetime of a value, in seconds.
        clock: Returns a monotonic time, in seconds.
        capacity: Maximum number of values; the oldest is dropped.
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        capacity: int = CAPACITY,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._capacity = capacity
        self._entries: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, value: T, key: str | None = None) -> str:
        """Store a value; return its key: by default a new one, of 256 random bits."""
        key = secrets.token_urlsafe(_KEY_BYTES) if key is None else key
        self._entries[_digest(key)] = (self._clock() + self._seconds, value)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return key

    def find(self, key: str) -> T | None:
        """Return the value of a key; None if there is none or it has expired."""
        entry = self._entries.get(_digest(key))
        if entry is None or entry[0] <= self._clock():
            return None
        return entry[1]

    def remove(self, key: str) -> None:
        """Remove the value of a key, if there is one."""
        self._entries.pop(_digest(key), None)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
