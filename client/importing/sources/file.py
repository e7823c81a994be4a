"""A file as a source."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client.errors import SourceError
from client.importing.sources.file_formats import format_of_path
from client.importing.sources.request import PageRequest
from client.importing.sources.source import OpenSource, Source


class FileSource(Source):
    """A file.

    Args:
        path: Its suffix determines the format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    @contextmanager
    def open(
        self, *, reopen: bool = False, request: PageRequest | None = None
    ) -> Iterator[OpenSource]:
        """Open the file."""
        del reopen, request  # A file can always be opened again, and has no other pages.
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read: {error.strerror}.") from error
        with file:
            size = self.path.stat().st_size if file.seekable() else None
            yield OpenSource(file, format_of_path(self.path), size)
