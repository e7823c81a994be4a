"""How many rows the next page of a stream has.

A page is in memory as a whole, so its size follows from that of its rows: one of wide rows has few.
"""

from typing import Final

FIRST_ROWS: Final = 200
MAX_ROWS: Final = 20_000
PAGE_BYTES: Final = 256 * 1024
"""What a page has, in bytes of its body before it is coded; more is no faster."""

_GROWTH: Final = 5


class PageSize:
    """The size of one stream's pages.

    Attributes:
        rows: Of the next page.
    """

    def __init__(self) -> None:
        self.rows = FIRST_ROWS

    def adapt(self, rows: int, size: int) -> None:
        """Learn from a page: of so many rows (not 0) and bytes."""
        fitting = PAGE_BYTES * rows // max(size, 1)
        self.rows = max(1, min(fitting, rows * _GROWTH, MAX_ROWS))
