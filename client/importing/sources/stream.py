"""Standard input, or another stream, as a source."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from client.importing.sources.request import PageRequest
from client.importing.sources.source import OpenSource, Source


class StreamSource(Source):
    """Standard input, or any other stream that can be read only once.

    Args:
        stream: Read from its current position.
        name: For natural keys.
    """

    def __init__(self, stream: IO[bytes], name: str = "stdin") -> None:
        self._stream = stream
        self._copy: IO[bytes] | None = None
        self.name = name

    @contextmanager
    def open(self, *, reopen: bool, request: PageRequest | None = None) -> Iterator[OpenSource]:
        """Return the stream, or a copy in a temporary file if it may have to be opened again."""
        del request  # A stream has no other pages.
        if reopen and self._copy is None:
            self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close.
            shutil.copyfileobj(self._stream, self._copy)
        if self._copy is not None:
            self._copy.seek(0)
        yield OpenSource(self._copy or self._stream, "")

    def close(self) -> None:
        """Remove the copy."""
        if self._copy is not None:
            self._copy.close()
