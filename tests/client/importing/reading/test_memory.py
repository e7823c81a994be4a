"""Sources of any length are read in little memory."""

import io
import os
import stat
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.records import read_records
from client.importing.reading.spooled_chunks import SpooledChunks
from client.importing.reading.text import decode_text

ROWS = 3000
ROW = '{"who": "ada", "note": "' + "x" * 2000 + '"}'
MAX_BYTES = 3 << 20


class GeneratedBytes(io.RawIOBase):
    """A binary stream of generated pieces."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._unread = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._unread or next(self._pieces, "").encode()
        size = min(len(piece), len(buffer))
        buffer[:size], self._unread = piece[:size], piece[size:]
        return size


def json_pieces() -> Iterator[str]:
    """Yield an envelope with a long member before the rows, and a mapped one after them."""
    yield '{"skipped": ['
    yield from (f"{ROW}, " for _ in range(ROWS))
    yield '{}], "data": ['
    yield from (f"{ROW}, " for _ in range(ROWS - 1))
    yield f'{ROW}], "project": "Apollo"}}'


def csv_pieces() -> Iterator[str]:
    """Yield rows after one whose quote is not closed."""
    yield 'who,project,note\nada,"Apollo,x\n'
    yield from (f"ada,Apollo,{'x' * 2000}\n" for _ in range(ROWS))


@pytest.mark.parametrize(
    ("pieces", "file_format", "rows"), [(json_pieces, "json", "data"), (csv_pieces, "csv", "")]
)
def test_memory_does_not_grow_with_the_source(pieces: Any, file_format: str, rows: str) -> None:
    mapping = FieldMapping(rows=rows, fields={"user_id": "who", "project": "project"})
    tracemalloc.start()
    try:
        with decode_text(io.BufferedReader(GeneratedBytes(pieces())), "") as stream:
            records = read_records(stream, file_format, mapping)
            projects = [record.values["project"] for record in records.rows if not record.error]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert projects == ["Apollo"] * ROWS
    assert peak < MAX_BYTES


def test_spool_is_private() -> None:
    with SpooledChunks(io.StringIO("x" * 2_000_000)) as chunks:
        mark = chunks.mark()
        read = "".join(iter(chunks.read, ""))
        chunks.reset(mark)
        assert "".join(iter(chunks.read, "")) == read == "x" * 2_000_000
        assert stat.S_IMODE(os.fstat(chunks._spool.fileno()).st_mode) == 0o600
