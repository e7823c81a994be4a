"""How many rows the next page of a stream has.

A page is in memory as a whole, so its size follows from that of its rows: one of wide rows has few.
Where finding a page takes long (an order that no index has makes the database sort all rows for
each), larger pages are worth their memory.
"""

from typing import Final

FIRST_ROWS: Final = 200
MAX_ROWS: Final = 50_000
USUAL_BYTES: Final = 512 * 1024
"""What a page has, in bytes of its body before it is coded."""

MAX_BYTES: Final = 4 * 1024 * 1024
"""What a page has whose rows take long to find."""

_SLOW_SECONDS: Final = 0.2
_GROWTH: Final = 5


class PageSize:
    """The size of one stream's pages.

    Attributes:
        rows: Of the next page.
    """

    def __init__(self) -> None:
        self.rows = FIRST_ROWS
        self._bytes = USUAL_BYTES

    def adapt(self, rows: int, size: int, seconds: float) -> None:
        """Learn from a page that was read.

        Args:
            rows: How many it had; not 0.
            size: Its bytes.
            seconds: How long reading took.
        """
        if seconds > _SLOW_SECONDS:
            self._bytes = min(self._bytes * 2, MAX_BYTES)
        fitting = self._bytes * rows // max(size, 1)
        self.rows = max(1, min(fitting, rows * _GROWTH, MAX_ROWS))
