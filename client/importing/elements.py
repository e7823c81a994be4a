"""The elements of a JSON array, read one at a time, so that the array may be of any length."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO

MAX_CHARACTERS: Final = 1 << 20
"""Of one row: nobody's row is longer, and a bound keeps the memory flat."""

_PIECE: Final = 1 << 16
"""Characters read at once."""
_BLANKS: Final = " \t\r\n"


class Elements:
    """Iterates over a top-level array; any other value counts as an array of one.

    Args:
        text: Read from where it stands.
        constant: Called with NaN, Infinity or -Infinity, which are no JSON.
    """

    def __init__(self, text: TextIO, constant: Callable[[str], Any]) -> None:
        self._text = text
        self._decode = json.JSONDecoder(parse_constant=constant).raw_decode
        self._buffer = ""
        self._at = 0

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        """Give each element and its text.

        Raises:
            ValueError: The text is not JSON from some place on.
        """
        if self._peek() == "[":
            self._at += 1
            yield from self._elements()
        elif self._peek():
            yield self._value()
        if self._peek():
            raise ValueError("something follows the end of the JSON text")

    def _elements(self) -> Iterator[tuple[Any, str]]:
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self._value()
            following = self._peek()
            self._at += 1
            if following == "]":
                return
            if following != ",":
                raise ValueError("the JSON array breaks off: a comma or ] is missing")

    def _peek(self) -> str:
        """Go to the next character that is no blank and give it; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _BLANKS:
                    return self._buffer[self._at]
                self._at += 1
            if not self._read_on():
                return ""

    def _value(self) -> tuple[Any, str]:
        self._peek()
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except RecursionError as error:
                raise ValueError("nested too deeply") from error
            except ValueError:
                # Wrong, or not all of it here: only what follows can tell.
                if len(self._buffer) - self._at > MAX_CHARACTERS or not self._read_on():
                    raise
                continue
            # A number that ends with the buffer may go on behind it.
            if end < len(self._buffer) or not self._read_on():
                raw = self._buffer[self._at : end]
                self._at = end
                return value, raw

    def _read_on(self) -> bool:
        """Read a piece more, and forget what is done with; tell whether there was one."""
        piece = self._text.read(_PIECE)
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)
