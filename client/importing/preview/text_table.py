"""Plain-text tables: columns aligned by the width that a terminal gives to characters."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

Row = Sequence[str]

SHORTENED: Final = "..."
_GAP: Final = "  "


def shorten(text: str, width: int) -> str:
    """Return a text on one line of at most this width; what is cut off becomes ``...``.

    Wide characters, as of Chinese, count as two columns. Characters that could control a terminal
    become ``?``.
    """
    text = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    if cell_len(text) <= width:
        return text
    kept = max(width - len(SHORTENED), 0)
    return set_cell_size(text, kept).rstrip() + SHORTENED[:width]


def format_table(header: Row, rows: Sequence[Row], *, right: Sequence[int] = ()) -> list[str]:
    """Return the lines of a table.

    Args:
        header: The names of the columns.
        rows: With as many cells each.
        right: Positions of the columns that are aligned to the right.
    """
    table = [header, *rows]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    return [_format_row(row, widths, right) for row in table]


def table_width(header: Row, rows: Sequence[Row]) -> int:
    """Return the width of a table."""
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _format_row(row: Row, widths: Sequence[int], right: Sequence[int]) -> str:
    cells = []
    for position, (cell, width) in enumerate(zip(row, widths, strict=True)):
        blanks = " " * (width - cell_len(cell))
        cells.append(blanks + cell if position in right else cell + blanks)
    return _GAP.join(cells).rstrip()
