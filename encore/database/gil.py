"""How bulk work takes turns with everything else: how much at once, and how long at a time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

AT_ONCE: Final = 3
"""How many may be under way at once, in one process; others wait for their turn."""

SHORT_TURN_S: Final = 0.000_5
"""How long a thread keeps the interpreter while others wait for it, in seconds: Python's own 5 ms
would be added to every request that comes while rows are made."""


class ShortSwitchInterval:
    """Has threads take short turns while any bulk work is under way in this process."""

    def __init__(self) -> None:
        self._users = 0
        self._usual = 0.0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take them in this block."""
        if not self._users:
            self._usual = sys.getswitchinterval()
            sys.setswitchinterval(SHORT_TURN_S)
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                sys.setswitchinterval(self._usual)


short_switch_interval: Final = ShortSwitchInterval()
