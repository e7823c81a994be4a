"""Limits guesses of client secrets: after some wrong ones, none is looked at for a growing time.

Counted per client id and address, unknown ids included, so that the limit does not tell which
exist. Guesses from one address therefore never delay another address that knows the secret. A
right secret ends the count.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FREE_GUESSES: Final = 10
"""Wrong secrets in a row that delay nothing."""

MAX_DELAY_SECONDS: Final = 60.0
FORGOTTEN_SECONDS: Final = 900.0
"""How long after the last wrong secret the count starts anew."""

CAPACITY: Final = 10_000
"""The largest number of counts; the one that was used longest ago is dropped."""


@dataclass(slots=True)
class _Count:
    wrong: int = 0
    last: float = 0.0


class GuessLimit:
    """Counts wrong secrets.

    Args:
        clock: Returns a monotonic time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[tuple[bytes, str], _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def remaining_seconds(self, client_id: str, address: str) -> float:
        """Return for how long no secret of a client is looked at from an address; 0 if it is."""
        count = self._counts.get(_key(client_id, address))
        if count is None or count.wrong < FREE_GUESSES:
            return 0.0
        delay: float = min(MAX_DELAY_SECONDS, 2.0 ** min(count.wrong - FREE_GUESSES, 16))
        return max(0.0, count.last + delay - self._clock())

    def add_wrong(self, client_id: str, address: str) -> None:
        """Count a wrong secret."""
        key, now = _key(client_id, address), self._clock()
        count = self._counts.setdefault(key, _Count())
        if now - count.last > FORGOTTEN_SECONDS:
            count.wrong = 0
        count.wrong += 1
        count.last = now
        self._counts.move_to_end(key)
        if len(self._counts) > CAPACITY:
            self._counts.popitem(last=False)

    def reset(self, client_id: str, address: str) -> None:
        """End the count, after a right secret."""
        self._counts.pop(_key(client_id, address), None)


def _key(client_id: str, address: str) -> tuple[bytes, str]:
    """Return a key of fixed size, however long the client id."""
    return hashlib.sha256(client_id.encode("utf-8", "surrogatepass")).digest(), address
