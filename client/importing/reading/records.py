"""Reads CSV, NDJSON or JSON text as records, one at a time.

A record has the external system's names and values. A record that cannot be parsed is yielded with
its error if the start of the next one is known; otherwise ``SourceError`` ends the reading.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TextIO, TypeVar

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.json_stream import JSONStream
from client.importing.reading.text import read_lines
from client.strict_json import reject_constant

_T = TypeVar("_T")

REJECTED_COLUMNS: Final = ("line", "reason")
"""The first columns of a file of rejected rows; ignored when such a file is imported."""


class Record(NamedTuple):
    """A row as the external system wrote it."""

    line: int
    """Where it begins: a line of CSV or NDJSON from 1, or the position in a JSON array from 1."""
    values: dict[str, Any]
    """By the external system's names; empty if the record has an error."""
    raw: list[str] | str
    """Cells of CSV, or JSON text: written to the file of rejected rows."""
    error: str = ""
    """Why the record cannot be parsed."""
    skipped: bool = False
    """Whether it has no row: a line of NDJSON without the mapping's ``rows``."""
    page: int = 1
    """Of a source that is read page by page: the page that ``line`` is counted in."""


class DuplicateMember(NamedTuple):
    """What a JSON object with a duplicate member is parsed to: it is not clear which one counts."""

    name: str


def build_object(members: list[tuple[str, Any]]) -> dict[str, Any] | DuplicateMember:
    """Return an object's members, unless two have the same name: the ``object_pairs_hook``."""
    value = dict(members)
    if len(value) == len(members):
        return value
    names = [name for name, _ in members]
    return DuplicateMember(next(name for name in names if names.count(name) > 1))


_DECODER: Final = json.JSONDecoder(parse_constant=reject_constant, object_pairs_hook=build_object)


class Records(NamedTuple):
    """The columns of CSV (empty for JSON), and the records, read lazily."""

    columns: tuple[str, ...]
    rows: Iterator[Record]
    envelope: Mapping[str, Any] = MappingProxyType({})
    """The members around the rows of JSON, complete when the rows were read."""


def read_records(stream: TextIO, file_format: str, mapping: FieldMapping) -> Records:
    """Read records lazily, one at a time.

    Args:
        stream: Opened with ``newline=""``.
        file_format: One of ``FORMATS``, or ``tsv``.
        mapping: Its ``delimiter`` separates the cells of CSV.

    Raises:
        SourceError: CSV has no header; raised by the rows, the rest cannot be read.
    """
    if file_format not in {"csv", "tsv"}:
        rows = _ndjson_records(stream) if file_format == "ndjson" else _json_records(stream)
        return Records((), _translate_errors(rows))
    cells = _translate_errors(
        _csv_rows(stream, mapping.delimiter or ("\t" if file_format == "tsv" else ","))
    )
    _, header = next(cells, (0, []))
    if not header:
        raise SourceError("The source is empty: CSV begins with a line of column names.")
    # In a corrected file of rejected rows, the columns that we added are not part of the row.
    added = len(REJECTED_COLUMNS) if tuple(header[:2]) == REJECTED_COLUMNS else 0
    columns = tuple(name.strip() for name in header[added:])
    return Records(columns, _csv_records(cells, columns, added))


def _csv_rows(stream: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the non-empty rows of CSV, each with the line where it begins."""
    reader = csv.reader(read_lines(stream), delimiter=delimiter, strict=True)
    line = 1
    for row in reader:
        if row:
            yield line, row
        line = reader.line_num + 1


def _csv_records(
    rows: Iterator[tuple[int, list[str]]], columns: tuple[str, ...], added: int
) -> Iterator[Record]:
    for line, row in rows:
        cells = row[added:]
        if len(cells) != len(columns):
            error = f"has {len(cells)} cells, but there are {len(columns)} columns"
            yield Record(line, {}, cells, error)
        else:
            yield Record(line, dict(zip(columns, map(str.strip, cells), strict=True)), cells)


def _ndjson_records(stream: TextIO) -> Iterator[Record]:
    for line, raw in enumerate(read_lines(stream), 1):
        if not raw.isspace():
            try:
                value = _DECODER.decode(raw)
            except (ValueError, RecursionError) as error:
                yield Record(line, {}, raw.strip(), f"is not JSON: {_describe(error)}")
            else:
                yield _json_record(line, value, raw.strip())


def _json_records(stream: TextIO) -> Iterator[Record]:
    for position, (value, raw) in enumerate(JSONStream(stream, _DECODER), 1):
        yield _json_record(position, value, raw)


def _json_record(line: int, value: Any, raw: str) -> Record:
    if isinstance(value, DuplicateMember):
        return Record(line, {}, raw, f"has the member {value.name!r} more than once")
    if not isinstance(value, dict):
        return Record(line, {}, raw, "is not a JSON object")
    if tuple(value)[:2] == REJECTED_COLUMNS:
        for name in REJECTED_COLUMNS:
            del value[name]
    return Record(line, value, raw)


def _translate_errors(rows: Iterator[_T]) -> Iterator[_T]:
    """Raise ``SourceError`` for errors of reading, decoding and parsing."""
    try:
        yield from rows
    except (csv.Error, ValueError, OSError) as error:
        raise SourceError(f"The source cannot be read: {_describe(error)}.") from error


def _describe(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error).rstrip(".")
