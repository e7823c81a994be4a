"""Counters of requests in fixed windows of time, bounded in number, for ``limits``.

``limits`` owns the arithmetic of a rate; its own memory storage starts a thread for nearly every
call and keeps as many keys as callers can invent, so the counters are kept here.
"""

import time
from collections import OrderedDict
from typing import Final

from limits.storage import Storage

from encore.auth.jwks_cache import Clock

MAX_KEYS: Final = 10_000
"""About 2 MB; beyond it the window begun first is forgotten."""


class FixedWindowStorage(Storage):
    """Counters by key; each begins with its first request and ends with its window.

    Args:
        clock: Seconds since 1970, which is what ``limits`` reckons in.
        max_keys: Counters to hold at most.
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
        """Give what to wrap: nothing here fails."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, and give the count; a window lasts ``expiry`` seconds."""
        now = self._clock()
        count, end = self._counters.get(key, (0, 0.0))
        if now >= end:
            self._counters.pop(key, None)  # Its place is that of its new window.
            count, end = 0, now + expiry
        self._counters[key] = (count + amount, end)
        if len(self._counters) > self._max_keys:
            self._counters.popitem(last=False)
        return count + amount

    def get(self, key: str) -> int:
        """Give the count of the window under way."""
        count, end = self._counters.get(key, (0, 0.0))
        return count if self._clock() < end else 0

    def get_expiry(self, key: str) -> float:
        """Give the end of the window, in seconds since 1970."""
        return self._counters.get(key, (0, self._clock()))[1]

    def check(self) -> bool:
        """Tell that memory is there."""
        return True

    def reset(self) -> int:
        """Forget all windows; give how many there were."""
        count = len(self._counters)
        self._counters.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one window."""
        self._counters.pop(key, None)
