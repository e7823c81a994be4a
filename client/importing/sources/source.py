"""What all sources have in common.

A source can be opened again, since a resumed job reads from the start and skips what was sent. A
source returns bytes; ``reading`` parses them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import IO, NamedTuple

from client.importing.sources.request import PageRequest


class OpenSource(NamedTuple):
    """A source opened for reading."""

    content: IO[bytes]
    file_format: str
    """From suffix or media type; empty if unknown."""
    size: int | None = None
    """Total bytes, if known."""
    charset: str = ""
    """From the media type; empty without one."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Of the response, names in lower case."""


class Source(ABC):
    """Something that can be imported."""

    name: str
    """Identifies the source: the first half of natural keys."""
    request: PageRequest | None = None
    """The request of its first page; None: the source is not a URL."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Headers of its requests, as in the mapping: with the names of variables."""

    @abstractmethod
    def open(
        self, *, reopen: bool, request: PageRequest | None = None
    ) -> AbstractContextManager[OpenSource]:
        """Open the source at its start.

        Args:
            reopen: Whether it may have to be opened once more.
            request: Another page of a URL; None: the first one.

        Raises:
            SourceError: It cannot be read; ``SourceUnavailableError`` if a retry may succeed.
        """

    def close(self) -> None:  # noqa: B027 - most sources have nothing to close.
        """Remove what was kept for opening it again."""
