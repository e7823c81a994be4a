"""Streams the elements of a JSON array one at a time, so that the array may have any length.

The standard library's decoder reads each element, since ijson 3.6 (yajl) was measured and rejected:
it does not return an element's own text, which the fingerprint and the rejected rows need; it
replaces half of a surrogate pair by ``?`` instead of raising; and its C backend crashes the process
on an integer of 5,000 digits.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, TextIO

from client.importing.reading.text import MAX_CHARACTERS, check_encoding

_CHUNK: Final = 1 << 16
"""Characters read at once."""
_WHITESPACE: Final = " \t\r\n"


class JSONStream:
    """Iterates over a top-level array; any other value counts as an array of one.

    Args:
        stream: Read from its current position.
        decoder: Decodes each element.
    """

    def __init__(self, stream: TextIO, decoder: json.JSONDecoder) -> None:
        self._stream = stream
        self._decode = decoder.raw_decode
        self._buffer = ""
        self._at = 0
        self._row = 0
        self._line = 1

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        """Yield each element and its text.

        Raises:
            ValueError: The text is not JSON from here on.
        """
        if self._peek() == "[":
            self._at += 1
            yield from self._elements()
        elif self._peek():
            yield self._next_value()
        if self._peek():
            raise ValueError("unexpected data after the end of the JSON text")

    def _elements(self) -> Iterator[tuple[Any, str]]:
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self._next_value()
            separator = self._peek()
            self._at += 1
            if separator == "]":
                return
            if separator != ",":
                raise ValueError("the JSON array is incomplete: a comma or ] is missing")

    def _peek(self) -> str:
        """Skip whitespace and return the next character; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _WHITESPACE:
                    return self._buffer[self._at]
                self._at += 1
            if not self._read_chunk():
                return ""

    def _next_value(self) -> tuple[Any, str]:
        self._row += 1
        self._peek()
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except RecursionError as error:
                raise ValueError(f"row {self._row} is nested too deeply") from error
            except ValueError as error:
                # Invalid or incomplete: only reading more can tell.
                if len(self._buffer) - self._at > MAX_CHARACTERS:
                    raise ValueError(
                        f"row {self._row} is not JSON, or longer than {MAX_CHARACTERS} characters"
                    ) from error
                if not self._read_chunk():
                    reason = error.msg if isinstance(error, json.JSONDecodeError) else error
                    raise ValueError(f"row {self._row} is not JSON: {reason}") from error
                continue
            # A number at the end of the buffer may continue in the next chunk.
            if end < len(self._buffer) or not self._read_chunk():
                raw = self._buffer[self._at : end]
                self._at = end
                return value, raw

    def _read_chunk(self) -> bool:
        """Append a chunk to the unread rest of the buffer; return whether there was one."""
        chunk = self._stream.read(_CHUNK)
        if not chunk.isascii():
            check_encoding(self._stream, chunk, self._line)
        self._line += chunk.count("\n")
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
        return bool(chunk)
