"""The formats of streams: how the rows of a page become the bytes of a CSV or NDJSON body."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from encore.serializers.records import with_added
from encore.serializers.stored_text import CountingEncoder
from encore.streams.formulas import ESCAPED
from encore.streams.table import Projection, Table


class Writer(Protocol):
    """Writes the rows of one stream."""

    @property
    def invalid(self) -> int:
        """How many stored values did not fit their columns; their text is written."""
        ...

    def write(self, rows: Sequence[Any]) -> bytes:
        """Return the bytes of the next page's rows. Raises ``HookError`` for what is not a row."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        media_type: What ``Accept`` asks for.
        content_type: What ``Content-Type`` says: the media type with its parameters.
        suffix: Of a file's name.
        writer: Makes what writes the rows of one stream.
    """

    media_type: str
    content_type: str
    suffix: str
    writer: Callable[[Projection], Writer]


class NdjsonWriter:
    """One JSON object a line, as the array of a list would have it."""

    def __init__(self, shown: Projection) -> None:
        self._reworked = shown.reworked
        self._encoder = CountingEncoder()

    @property
    def invalid(self) -> int:
        """How many stored values did not fit their columns."""
        return self._encoder.count

    def write(self, rows: Sequence[Any]) -> bytes:
        """Return the lines of these rows."""
        return self._encoder.encode_lines(with_added(rows) if self._reworked else rows)


class CsvWriter:
    """A header and one record a row (RFC 4180)."""

    def __init__(self, shown: Projection) -> None:
        self._table = Table(shown)

    @property
    def invalid(self) -> int:
        """How many stored values did not fit their columns."""
        return self._table.invalid

    def write(self, rows: Sequence[Any]) -> bytes:
        """Return the records of these rows; behind the header, the first time."""
        return self._table.write(rows).encode()


_CSV: Final = f"text/csv; charset=utf-8; header=present; {'='.join(ESCAPED)}"
FORMATS: Final = {
    one.content_type: one
    for one in (
        Format("text/csv", _CSV, "csv", CsvWriter),
        Format("application/x-ndjson", "application/x-ndjson", "ndjson", NdjsonWriter),
    )
}
"""By content type. Only a caller who names one gets it: no wildcard means an export."""
