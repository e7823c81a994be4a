"""The lines of a CSV file; those that a broken quote has taken too many are put back."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from client.importing.reading.text import MAX_CHARACTERS

MAX_ROW_LINES: Final = 1000
"""The longest supported row, in lines: a longer one probably has a quote that is not closed."""


class CsvLines:
    """Lines with their numbers.

    Args:
        lines: With their ends.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._put_back: deque[str] = deque()
        self.number = 0
        """Of the line read last, from 1."""

    def read(self) -> str:
        """Return the next line; empty at the end."""
        line = self._put_back.popleft() if self._put_back else next(self._lines, "")
        if line:
            self.number += 1
        return line

    def put_back(self, lines: Sequence[str]) -> None:
        """Undo the reading of the last lines."""
        self._put_back.extendleft(reversed(lines))
        self.number -= len(lines)


class RowLines:
    """The lines of one row, for ``csv.reader``, which reads as many as the row has.

    Args:
        lines: The file's.
    """

    def __init__(self, lines: CsvLines) -> None:
        self._lines = lines
        self._first = ""
        self._size = 0
        self.taken: list[str] = []
        """The lines that were read since ``start``."""

    def start(self, line: str) -> None:
        """Begin a row with the line that was read last."""
        self._first = line
        self._size = len(line)
        self.taken = [line]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._first:
            line, self._first = self._first, ""
            return line
        if len(self.taken) >= MAX_ROW_LINES or self._size >= MAX_CHARACTERS:
            raise StopIteration
        line = self._lines.read()
        if not line:
            raise StopIteration
        self._size += len(line)
        self.taken.append(line)
        return line
