"""The rows of a replacement, kept until the whole source is read.

They are in memory as long as they are few, then in temporary files without a name, which only their
owner could open.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from typing import IO, Any, Final, Self

import msgspec

from client.importing.reading.records import Record
from client.importing.replacing.period import Period, day_of
from encore.client.errors import UsageError

_MAX_MEMORY: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 16
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


class SpooledRows:
    """Rows to send, as NDJSON, and the records that they were made of.

    Attributes:
        period: The first and the last day; None without rows.
        total: Their number.
    """

    def __init__(self) -> None:
        with ExitStack() as stack:
            self._body = stack.enter_context(_create_spool())
            self._records = stack.enter_context(_create_spool())
            self._files = stack.pop_all()
        self._hash = sha256()
        self.period: Period | None = None
        self._source: tuple[Any, int] | None = None
        self.total = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, record: Record, row: bytes) -> bool:
        """Append a row; return whether it has a day, without which it is not appended.

        Args:
            record: What the row was made of.
            row: The entry, as JSON.

        Raises:
            UsageError: Its ``source`` differs from that of an earlier row.
        """
        entry: dict[str, Any] = _decode(row)
        day = day_of(entry)
        if day is None:
            return False
        self._check_source(entry.get("source"), record.line)
        earlier = self.period or Period(day, day)
        self.period = Period(min(earlier.first, day), max(earlier.last, day))
        self._body.write(row)
        self._body.write(b"\n")
        self._hash.update(row)
        self._hash.update(b"\n")
        self._records.write(_encode([record.line, record.page, record.raw]))
        self._records.write(b"\n")
        self.total += 1
        return True

    @property
    def digest(self) -> str:
        """A hash of the rows, in hexadecimal."""
        return self._hash.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the rows."""
        return self._body.seek(0, 2)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the rows in chunks, from the first; may be called again."""
        self._body.seek(0)
        while chunk := self._body.read(_CHUNK_BYTES):
            yield chunk

    def read_records(self, positions: Iterable[int]) -> dict[int, Record]:
        """Return the records of these rows, which are numbered from 1."""
        wanted = set(positions)
        self._records.seek(0)
        found = {}
        for position, encoded in enumerate(self._records, 1):
            if position in wanted:
                line, page, raw = _decode(encoded)
                found[position] = Record(line, {}, raw, page=page)
        return found

    def _check_source(self, source: Any, line: int) -> None:
        if self._source is None:
            self._source = (source, line)
        elif source != self._source[0]:
            first, first_line = self._source
            raise UsageError(
                f"--replace needs rows of one source, but line {first_line} is of {first!r} and"
                f" line {line} of {source!r}: import them one by one, such as with [only] in the"
                " mapping. Nothing was replaced."
            )


def _create_spool() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=_MAX_MEMORY)
