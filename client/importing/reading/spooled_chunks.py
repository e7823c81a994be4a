"""Chunks of a text stream that can be read again from a mark."""

import tempfile
from array import array
from types import TracebackType
from typing import Final, Self, TextIO

from client.importing.reading.text import check_encoding

_CHUNK: Final = 1 << 16
"""Characters read at once."""
_MAX_MEMORY: Final = 1 << 20
"""A longer spool is a temporary file, with mode 0600 and without a name."""


class SpooledChunks:
    """Reads a stream in chunks; those after a mark are kept and can be read again.

    Args:
        stream: Read from its current position.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._spool = tempfile.SpooledTemporaryFile(_MAX_MEMORY)  # noqa: SIM115 - closed by __exit__.
        self._ends = array("Q")
        self._next = 0
        self._recording = False
        self._line = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._spool.close()

    def read(self) -> str:
        """Return the next chunk; empty at the end.

        Raises:
            SourceError: It is not in the stream's encoding.
        """
        if self._next < len(self._ends):
            return self._read_kept()
        chunk = self._stream.read(_CHUNK)
        if not chunk.isascii():
            check_encoding(self._stream, chunk, self._line)
        self._line += chunk.count("\n")
        if self._recording:
            self._keep(chunk)
        return chunk

    def mark(self) -> int:
        """Keep the chunks from here on; return the position for ``reset``."""
        if not self._recording and self._next == len(self._ends):
            self._spool.seek(0)
            self._spool.truncate()
            self._ends = array("Q")
            self._next = 0
        self._recording = True
        return self._next

    def reset(self, position: int) -> None:
        """Return to a mark, and keep no further chunks."""
        self._recording = False
        self._next = position

    def _keep(self, chunk: str) -> None:
        if chunk:
            self._spool.seek(0, 2)
            self._spool.write(chunk.encode("utf-8", "surrogatepass"))
            self._ends.append(self._spool.tell())
            self._next += 1

    def _read_kept(self) -> str:
        start = self._ends[self._next - 1] if self._next else 0
        self._spool.seek(start)
        kept = self._spool.read(self._ends[self._next] - start)
        self._next += 1
        return kept.decode("utf-8", "surrogatepass")
