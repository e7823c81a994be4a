"""Counters of requests in fixed time windows, limited in number: a storage for ``limits``.

``limits`` computes rates; its own memory storage starts a thread for nearly every call and stores
any number of keys, so this one replaces it.
"""

import time
from collections import OrderedDict
from typing import Final

from limits.storage import Storage

from encore.auth.jwks_cache import Clock

MAX_KEYS: Final = 10_000
"""About 2 MB; beyond it the oldest window is evicted."""


class FixedWindowStorage(Storage):
    """Counters by key; a window starts with its first request.

    Args:
        clock: Seconds since 1970, as ``limits`` expects.
        max_keys: Maximum number of counters.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock = time.time, max_keys: int = MAX_KEYS) -> None:
        super().__init__()
        self._clock = clock
        self._max_keys = max_keys
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counters)

    @property
    def base_exceptions(self) -> type[Exception]:
        """The exceptions that ``limits`` wraps; none is raised here."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Increment a counter and return it; a window lasts ``expiry`` seconds."""
        now = self._clock()
        count, end = self._counters.get(key, (0, 0.0))
        if now >= end:
            self._counters.pop(key, None)  # The new window goes to the end of the order.
            count, end = 0, now + expiry
        self._counters[key] = (count + amount, end)
        if len(self._counters) > self._max_keys:
            self._counters.popitem(last=False)
        return count + amount

    def get(self, key: str) -> int:
        """Return the count of the current window."""
        count, end = self._counters.get(key, (0, 0.0))
        return count if self._clock() < end else 0

    def get_expiry(self, key: str) -> float:
        """Return the end of the window, in seconds since 1970."""
        return self._counters.get(key, (0, self._clock()))[1]

    def check(self) -> bool:
        """Return True: memory is always available."""
        return True

    def reset(self) -> int:
        """Remove all windows; return their number."""
        count = len(self._counters)
        self._counters.clear()
        return count

    def clear(self, key: str) -> None:
        """Remove one window."""
        self._counters.pop(key, None)
