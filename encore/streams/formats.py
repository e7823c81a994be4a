"""The formats of streams, CSV and NDJSON, each also in parts, and their writers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from encore.serializers.records import with_added_members
from encore.serializers.stored_text import CountingEncoder
from encore.streams.formulas import ESCAPED
from encore.streams.parts import MEDIA_TYPE
from encore.streams.table import Projection, Table


class RowWriter(Protocol):
    """Writes the rows of one stream."""

    @property
    def invalid(self) -> int:
        """How many stored values were invalid for their columns; their text is written."""
        ...

    def write(self, rows: Sequence[Any]) -> bytes:
        """Return the bytes of the next page's rows. Raises ``HookError`` if one is not a row."""
        ...


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """A format of streams.

    Attributes:
        media_type: The media type in ``Accept``.
        content_type: The value of ``Content-Type``: the media type with its parameters.
        suffix: The suffix of the file name.
        writer: Returns the writer of one stream.
        in_parts: Whether the stream is ``multipart/mixed``, with parts of this format.
    """

    media_type: str
    content_type: str
    suffix: str
    writer: Callable[[Projection], RowWriter]
    in_parts: bool = False


class NdjsonWriter:
    """Writes one JSON object a line, as in the array of a list."""

    def __init__(self, projection: Projection) -> None:
        self._reworked = projection.reworked
        self._encoder = CountingEncoder()

    @property
    def invalid(self) -> int:
        """How many stored values were invalid for their columns."""
        return self._encoder.count

    def write(self, rows: Sequence[Any]) -> bytes:
        """Return the lines of these rows."""
        return self._encoder.encode_lines(with_added_members(rows) if self._reworked else rows)


class CsvWriter:
    """Writes a header and one record a row (RFC 4180)."""

    def __init__(self, projection: Projection) -> None:
        self._table = Table(projection)

    @property
    def invalid(self) -> int:
        """How many stored values were invalid for their columns."""
        return self._table.invalid

    def write(self, rows: Sequence[Any]) -> bytes:
        """Return the records of these rows, the first time after the header."""
        return self._table.write(rows).encode()


_CSV: Final = f"text/csv; charset=utf-8; header=present; {'='.join(ESCAPED)}"
_WHOLE: Final = (
    StreamFormat("text/csv", _CSV, "csv", CsvWriter),
    StreamFormat("application/x-ndjson", "application/x-ndjson", "ndjson", NdjsonWriter),
)
FORMATS: Final = {
    **{format_.content_type: format_ for format_ in _WHOLE},
    **{
        f'{MEDIA_TYPE}; type="{format_.media_type}"': replace(format_, in_parts=True)
        for format_ in _WHOLE
    },
}
"""The formats by the media type that ``Accept`` must name: wildcards do not match them."""
