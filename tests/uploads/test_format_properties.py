"""Properties of the formats: the same rows, wherever the chunks of the body end."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from encore.errors import MalformedBody
from encore.uploads import formats
from encore.uploads.formats import (
    ColumnNames,
    UnreadableRow,
    is_array,
    read_csv,
    read_json,
    read_ndjson,
)

COLUMNS = ("goods", "number", "note")
NAMES = ColumnNames(COLUMNS, COLUMNS)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
ROWS = st.lists(st.dictionaries(st.sampled_from(COLUMNS), TEXT.filter(bool), max_size=3))
CHUNK_SIZES = st.integers(1, 50)
READERS = [read_json, read_ndjson, read_csv]


def values(reader: Any, data: bytes) -> list[Any]:
    """Return the rows that a reader reads from a body."""
    return [row for _, row in reader(io.BytesIO(data), NAMES)]


def as_csv(rows: list[dict[str, str]]) -> bytes:
    """Write rows as CSV; every cell is quoted, so that no row is a blank line."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


@given(rows=ROWS, chunk_size=CHUNK_SIZES, ascii_only=st.booleans())
def test_all_formats_read_same_rows(
    rows: list[dict[str, str]], chunk_size: int, *, ascii_only: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "_CHUNK_SIZE", chunk_size)
        array = json.dumps(rows, ensure_ascii=ascii_only, indent=chunk_size % 3).encode()
        lines = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows).encode()
        assert values(read_json, array) == rows
        assert values(read_ndjson, lines) == rows
        assert values(read_csv, as_csv(rows)) == rows
        assert is_array(io.BytesIO(array))


@given(
    st.lists(st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists)), CHUNK_SIZES
)
def test_json_array_is_read_as_by_json_loads(rows: list[Any], chunk_size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "_CHUNK_SIZE", chunk_size)
        assert values(read_json, json.dumps(rows).encode()) == rows


@given(ROWS.filter(bool), CHUNK_SIZES, st.data())
def test_truncated_json_array_is_rejected(
    rows: list[dict[str, str]], chunk_size: int, data: st.DataObject
) -> None:
    array = json.dumps(rows, ensure_ascii=False).encode()
    cut = data.draw(st.integers(0, len(array) - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "_CHUNK_SIZE", chunk_size)
        with pytest.raises(MalformedBody):
            values(read_json, array[:cut])


@given(st.binary(max_size=200), st.sampled_from(READERS), CHUNK_SIZES)
def test_any_bytes_return_rows_or_raise_malformed_body(
    body: bytes, reader: Any, chunk_size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "_CHUNK_SIZE", chunk_size)
        try:
            rows = list(reader(io.BytesIO(body), NAMES))
        except MalformedBody:
            return
    lines = [line for line, _ in rows]
    assert lines == sorted(set(lines))


@given(st.text('{}[]",:\\ntrue0123456789.eE- \r\n', max_size=60), CHUNK_SIZES)
@example("0E0", 1)
@example("1.5e+3,-2", 1)
def test_invalid_json_is_rejected_as_by_json_loads(text: str, chunk_size: int) -> None:
    body = f"[{text}]".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "_CHUNK_SIZE", chunk_size)
        try:
            rows = values(read_json, body)
        except MalformedBody as refusal:
            if "given twice" not in refusal.message:
                with pytest.raises(json.JSONDecodeError):
                    json.loads(body)
        else:
            assert rows == json.loads(body)


@given(
    st.lists(st.sampled_from([b'{"goods":1}', b"", b"{", b" \t"])),
    st.sampled_from([b"\n", b"\r\n"]),
)
def test_ndjson_lines_are_numbered_as_by_editors(lines: list[bytes], end: bytes) -> None:
    rows = list(read_ndjson(io.BytesIO(end.join(lines)), NAMES))
    wanted = [number for number, line in enumerate(lines, start=1) if line.strip()]
    assert [line for line, _ in rows] == wanted
    for line, row in rows:
        assert isinstance(row, UnreadableRow) == (lines[line - 1] == b"{")
