"""Splits the text of CSV (RFC 4180) into rows of cells, and survives broken quotes.

A quote that is not closed would take the rest of the file into one cell. Here the row in which it
is opened is rejected with its line, and reading goes on at the next line: rows that were taken with
it are found again.
"""

import csv
import re
from collections.abc import Iterator
from typing import Final

from client.importing.reading.csv_lines import CsvLines, RowLines

Row = tuple[int, list[str], str]
"""The line where a row begins, its cells, and why they are invalid (empty if they are valid). The
cells of a row with a broken quote are one: its text."""

_QUOTE: Final = '"'
_NUL: Final = "\0"
_NOT_CLOSED: Final = (
    "has a quote that is not closed, or a quote inside a quoted cell that is not written twice"
)
_TEXT_AFTER_QUOTE: Final = (
    "has text after the closing quote of a cell: a quote inside a quoted cell is written twice"
)
_NOT_OPENED: Final = "has a cell with a quote at its end, but none at its start"
_SPACE_BEFORE_QUOTE: Final = "has a space before the quote of a cell"
_DOUBTFUL: Final = "has a quote inside a cell, in lines after one whose quote is not closed"
_HAS_NUL: Final = "contains a NUL character"


class CsvRows:
    """Iterates over the rows; blank lines and rows of empty cells are none.

    Args:
        lines: The file's, from the next one.
        delimiter: Between cells.
    """

    def __init__(self, lines: CsvLines, delimiter: str) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._blank = f" \t\r\n{delimiter}"
        self._row_lines = RowLines(lines)
        self._reader = csv.reader(self._row_lines, delimiter=delimiter, strict=True)
        separator = re.escape(delimiter)
        self._cell = re.compile(
            rf'(?:"(?:[^"]|"")*"|([^{separator}\r\n]*))(?:{separator}|\r\n|\r|\n|$)'
        )
        self._width = 0
        self._added = 0

    def expect(self, width: int, added: int) -> None:
        """Set the number of cells that a row must have, of which the first ones are ours."""
        self._width = width
        self._added = added

    def __iter__(self) -> Iterator[Row]:
        delimiter, width, blank, lines = self._delimiter, self._width, self._blank, self._lines
        while line := lines.read():
            number = lines.number
            if _QUOTE in line:
                cells, reason = self._parse(line)
                if reason or len(cells) != width:
                    yield from self._check_quoted(number, cells, reason)
                elif "".join(cells).strip():
                    yield number, cells, ""
            elif line.strip(blank):
                cells = line.rstrip("\r\n").split(delimiter)
                if not line.isascii() and not "".join(cells).strip():
                    continue  # no-break spaces
                if len(cells) == width and _NUL not in line:
                    yield number, cells, ""
                else:
                    yield self._checked(number, cells)

    def _check_quoted(self, number: int, cells: list[str], reason: str) -> Iterator[Row]:
        """Yield the row that was parsed last, or, if it is broken, what of it is rejected."""
        taken = self._row_lines.taken
        complete = (number, [_join(taken)], reason) if reason else self._checked(number, cells)
        if not reason and (not complete[2] or len(taken) == 1):
            if "".join(cells).strip():
                yield complete
            return
        broken = self._take_broken(number + len(taken) - 1)
        yield complete if len(broken) == len(taken) else (number, [_join(broken)], _NOT_CLOSED)

    def _take_broken(self, end: int) -> list[str]:
        """Put back the lines of a broken row after its first one, and take those without a row.

        Args:
            end: The last line that was read for the broken row.

        Returns:
            The lines up to the next one where a valid row begins.
        """
        taken = self._row_lines.taken
        broken = taken[:1]
        self._lines.put_back(taken[1:])
        while self._lines.number < end:
            number, line = self._lines.number, self._lines.read()
            cells, reason = self._parse(line, doubtful=True)
            valid = not reason and not self._checked(number, cells)[2] and any(cells)
            self._lines.put_back(self._row_lines.taken[0 if valid else 1 :])
            if valid:
                break
            broken.append(line)
        return broken

    def _parse(self, line: str, *, doubtful: bool = False) -> tuple[list[str], str]:
        """Parse the row that begins with a line: its cells, or why its quotes are invalid."""
        self._row_lines.start(line)
        try:
            cells = next(self._reader)
        except csv.Error as error:
            if "field limit" in str(error):
                return [], f"has a cell of more than {csv.field_size_limit()} characters"
            several = len(self._row_lines.taken) > 1 or "unexpected end" in str(error)
            return [], _NOT_CLOSED if several else _TEXT_AFTER_QUOTE
        text = "".join(cells)
        if _NUL in text:
            return [], _HAS_NUL
        if _QUOTE in text:
            return cells, self._check_unquoted("".join(self._row_lines.taken), doubtful=doubtful)
        return cells, ""

    def _check_unquoted(self, text: str, *, doubtful: bool) -> str:
        """Return why quotes in unquoted cells are invalid; empty if they are part of the text."""
        for match in self._cell.finditer(text):
            cell = (match[1] or "").strip()
            if _QUOTE not in cell:
                continue
            if cell.startswith(_QUOTE):
                return _SPACE_BEFORE_QUOTE
            if cell.endswith(_QUOTE) and cell.count(_QUOTE) % 2:
                return _NOT_OPENED
            if doubtful:
                return _DOUBTFUL
        return ""

    def _checked(self, number: int, cells: list[str]) -> Row:
        """Return a row without the empty cells after its last column, checked for their number."""
        width = self._width
        if any(_NUL in cell for cell in cells):
            return number, cells, _HAS_NUL
        if width and len(cells) > width and not any(map(str.strip, cells[width:])):
            cells = cells[:width]
        if not width or len(cells) == width:
            return number, cells, ""
        count, columns = len(cells) - self._added, width - self._added
        return number, cells, f"has {count} cells, but there are {columns} columns"


def _join(lines: list[str]) -> str:
    return "".join(lines).rstrip("\r\n")
