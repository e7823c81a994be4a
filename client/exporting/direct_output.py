"""Standard output, devices and pipes: written as the rows arrive, and never resumed."""

from client.exporting.encoding import GzipEncoder, PlainEncoder
from client.exporting.position import Position
from client.output.destination import Destination


class DirectOutput:
    """Writes to standard output, or to what is not a regular file.

    Args:
        destination: Where to.
        gzip: Whether the rows are compressed.
    """

    def __init__(self, destination: Destination, *, gzip: bool) -> None:
        self._destination = destination
        self._encoder: PlainEncoder = GzipEncoder() if gzip else PlainEncoder()

    def write(self, content: bytes, position: Position | None) -> None:
        """Write rows. Raise ``OutputError``."""
        del position  # What was written cannot be taken back.
        self._destination.write(self._encoder.encode(content))

    def commit(self) -> None:
        """Write the end. Raise ``OutputError``."""
        self._destination.write(self._encoder.end())
        self._destination.commit()

    def keep(self) -> bool:
        """Close the output; return False: it cannot be resumed."""
        self._destination.discard()
        return False
