"""Reads JSON text piece by piece, so that it may have any length.

The standard library's decoder reads each row, and a few characters of syntax around the rows are
read here. ijson 3.6 was measured again and is not used: see DECISIONS.md.
"""

import json
import re
from typing import Any, Final, NamedTuple

from client.importing.reading.json_values import StrictDecoder
from client.importing.reading.spooled_chunks import SpooledChunks

_WHITESPACE: Final = " \t\r\n"
_IN_STRING: Final = re.compile(r'["\\]')
_CUT_OFF: Final = ": the source ends there, it may be cut off"
_NUMBER_REST: Final = 2
"""Characters after which the rest of a number may be missing: ``e+`` after ``1``."""
_MAX_NAME: Final = 1 << 16
"""Characters of a member's name."""


class TooLongError(ValueError):
    """A value is longer than the limit, or invalid."""


class Mark(NamedTuple):
    """A position in the text."""

    buffer: str
    at: int
    chunk: int


class JSONText:
    """A position in JSON text, and methods that read what comes next.

    All methods raise ``ValueError`` if the text is not JSON.

    Args:
        chunks: Of the text.
    """

    def __init__(self, chunks: SpooledChunks) -> None:
        self._chunks = chunks
        self._decoder = StrictDecoder()
        self._buffer = ""
        self._at = 0

    @property
    def duplicate(self) -> str:
        """A member that an object in the last value has more than once; empty for none."""
        return self._decoder.duplicate

    def peek(self) -> str:
        """Skip whitespace and return the next character; empty at the end."""
        next_ = self._buffer[self._at : self._at + 1]
        if next_ and next_ not in _WHITESPACE:
            return next_
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _WHITESPACE:
                    return self._buffer[self._at]
                self._at += 1
            if not self._read_chunk():
                return ""

    def begin(self, close: str) -> bool:
        """Enter an array or object; return whether it has an element or member."""
        self.peek()
        self._at += 1
        if self.peek() != close:
            return True
        self._at += 1
        return False

    def proceed(self, close: str) -> bool:
        """Read what follows an element or member; return whether it is another one."""
        separator = self.peek()
        self._at += 1
        if separator == close:
            return False
        if separator == ",":
            return True
        name = "array" if close == "]" else "object"
        reason = "" if separator else _CUT_OFF
        raise ValueError(f"the JSON {name} is incomplete: a comma or {close} is missing{reason}")

    def name(self) -> str:
        """Read the name of a member and the colon after it."""
        if self.peek() != '"':
            raise ValueError("the JSON object is invalid: the name of a member is missing")
        try:
            name, _ = self.value(_MAX_NAME)
        except TooLongError as error:
            raise ValueError(
                f"the name of a member is not JSON, or longer than {_MAX_NAME} characters"
            ) from error
        if self.peek() != ":":
            raise ValueError(f"the JSON object is invalid: a colon after {name[:40]!r} is missing")
        self._at += 1
        return str(name)

    def value(self, limit: int) -> tuple[Any, str]:
        """Read a value; return it and its text.

        Args:
            limit: Its characters.

        Raises:
            TooLongError: It is longer, or not JSON; nothing was read.
            ValueError: It is not JSON.
        """
        self.peek()
        while True:
            try:
                value, end = self._decoder.decode_at(self._buffer, self._at)
            except RecursionError as error:
                raise ValueError("it is nested too deeply") from error
            except ValueError as error:
                # Invalid or incomplete: only reading more can tell.
                unread = len(self._buffer) - self._at
                if unread > limit:
                    raise TooLongError from error
                if not self._read_chunk(min(unread, limit)):
                    raise ValueError(self._explain(error)) from error
                continue
            if end - self._at > limit:
                raise TooLongError
            # A number at the end of the buffer may continue in the next chunk.
            if len(self._buffer) - end > _NUMBER_REST or not self._read_chunk():
                raw = self._buffer[self._at : end]
                self._at = end
                return value, raw

    def skip_string(self) -> None:
        """Pass a string of any length."""
        self.peek()
        self._at += 1
        escaped = False
        while self._at < len(self._buffer) or self._read_chunk():
            if escaped:
                self._at += 1
                escaped = False
            elif found := _IN_STRING.search(self._buffer, self._at):
                self._at = found.end()
                if found[0] == '"':
                    return
                escaped = True
            else:
                self._at = len(self._buffer)
        raise ValueError(f"a string is not closed{_CUT_OFF}")

    def mark(self) -> Mark:
        """Return the position, for ``reset``."""
        return Mark(self._buffer, self._at, self._chunks.mark())

    def reset(self, mark: Mark) -> None:
        """Return to a position."""
        self._buffer, self._at, chunk = mark
        self._chunks.reset(chunk)

    def _read_chunk(self, at_least: int = 0) -> bool:
        """Append to the unread rest of the buffer; return whether there was something to append.

        Args:
            at_least: Characters to append; as many as there are, an incomplete value of any length
                is decoded few times.
        """
        pieces = [self._buffer[self._at :]]
        read = 0
        while chunk := self._chunks.read():
            pieces.append(chunk)
            read += len(chunk)
            if read >= at_least:
                break
        if read:
            self._buffer = "".join(pieces)
            self._at = 0
        return read > 0

    def _explain(self, error: ValueError) -> str:
        if not isinstance(error, json.JSONDecodeError):
            return str(error).rstrip(".")
        at_end = error.pos >= len(self._buffer.rstrip()) or error.msg.startswith("Unterminated")
        return f"{error.msg}{_CUT_OFF if at_end else ''}"
