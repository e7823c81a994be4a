"""One export: the parts of a stream into an output, and where it stopped."""

from typing import Final, Protocol

from client.exporting.csv_header import split_header
from client.exporting.parts import Part
from client.exporting.position import Position
from client.exporting.progress import Progress
from client.exporting.requests import StreamSource
from encore.client.errors import UnexpectedResponseError

CSV: Final = "csv"


class Output(Protocol):
    """Where rows are written to."""

    def write(self, content: bytes, position: Position | None) -> None:
        """Write rows, and remember the position after them. Raise ``OutputError``."""

    def commit(self) -> None:
        """End an export that is complete. Raise ``OutputError``."""

    def keep(self) -> bool:
        """End an export that is not complete; return whether it can be resumed."""


class ExportJob:
    """Exports one list.

    Args:
        source: Where its rows come from.
        output: Where they are written to.
        progress: Receives rows and bytes.
        url: The URL of the list.
        position: Where an earlier run has stopped; None to begin.

    Attributes:
        rows: How many rows were written, those of earlier runs included.
        size: How many bytes of them this run has received.
        counts_rows: Whether the API says how many rows it sends.
    """

    def __init__(
        self,
        source: StreamSource,
        output: Output,
        progress: Progress,
        url: str,
        position: Position | None,
    ) -> None:
        self._source = source
        self._output = output
        self._progress = progress
        self._url = url
        self._position = position
        self._has_written = position is not None
        self.rows = 0 if position is None else position.rows
        self.size = 0
        self.counts_rows = True

    @property
    def can_continue(self) -> bool:
        """Whether ``run`` continues after a failure, instead of writing rows twice."""
        return self._position is not None or not self._has_written

    def run(self) -> None:
        """Export from the position to the end; called again after a failure, continue there.

        Raises:
            ClientError: See ``encore.client.errors``.
        """
        header = "" if self._position is None else self._position.header
        url = self._url if self._position is None else self._position.next_url
        for part in self._source.read(url):
            content = part.content
            if part.has_header:
                found, rest = split_header(content)
                if not header:
                    header = found.decode("utf-8", "surrogateescape")
                elif found != header.encode("utf-8", "surrogateescape"):
                    raise UnexpectedResponseError(
                        "The columns are no longer those with which the export began: start over"
                        " without --resume."
                    )
                else:
                    content = rest
            self._write(part, content, header)

    def _write(self, part: Part, content: bytes, header: str) -> None:
        self.rows += part.rows or 0
        self.size += len(content)
        self.counts_rows = self.counts_rows and part.rows is not None
        position = part.next_url and Position(part.next_url, self.rows, header)
        self._output.write(content, position or None)
        self._position = position or None
        self._has_written = True
        self._progress.advance(self.rows, self.size)
