"""What all sources have in common.

A source can be opened again, since a resumed job reads from the start and skips what was sent. A
source returns bytes; ``reading`` parses them.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import IO, NamedTuple


class OpenSource(NamedTuple):
    """A source opened for reading."""

    content: IO[bytes]
    file_format: str
    """From suffix or media type; empty if unknown."""
    size: int | None = None
    """Total bytes, if known."""
    charset: str = ""
    """From the media type; empty without one."""


class Source(ABC):
    """Something that can be imported."""

    name: str
    """Identifies the source: the first half of natural keys."""

    @abstractmethod
    def open(self, *, reopen: bool) -> AbstractContextManager[OpenSource]:
        """Open the source at its start.

        Args:
            reopen: Whether it may have to be opened once more.

        Raises:
            SourceError: It cannot be read; ``SourceUnavailableError`` if a retry may succeed.
        """

    def close(self) -> None:  # noqa: B027 - most sources have nothing to close.
        """Remove what was kept for opening it again."""
