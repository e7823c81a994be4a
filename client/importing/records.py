"""Reading what was exported: CSV, NDJSON or JSON text as records, one at a time.

A record still has the external tool's names and values. One that cannot be understood is given with
its fault, as long as it is clear where the next one begins; else ``SourceError`` ends the reading.
"""

import csv
import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, NoReturn, TextIO, TypeVar

from client.errors import SourceError
from client.importing.elements import MAX_CHARACTERS, Elements

_T = TypeVar("_T")

FORMATS: Final = ("csv", "ndjson", "json")
REJECTED_COLUMNS: Final = ("line", "reason")
"""What the job puts in front of a rejected row; not read when such a file is imported again."""


class Record(NamedTuple):
    """A row as the external tool wrote it."""

    line: int
    """Where it begins: a line of CSV or NDJSON from 1, or the place in a JSON array from 1."""
    values: dict[str, Any]
    """By the tool's names; empty if it has a fault."""
    raw: list[str] | str
    """Cells of CSV, or the JSON text: what is written to the file of rejected rows."""
    fault: str = ""
    """Why it cannot be understood."""


class Records(NamedTuple):
    """The columns of CSV (none for JSON), and the records as they are read."""

    columns: tuple[str, ...]
    rows: Iterator[Record]


def read_records(text: TextIO, kind: str, delimiter: str = ",") -> Records:
    """Read records, no more at a time than one.

    Args:
        text: Opened with ``newline=""``.
        kind: One of ``FORMATS``.
        delimiter: Between the cells of CSV.

    Raises:
        SourceError: CSV has no header; from the rows, the rest cannot be read.
    """
    if kind != "csv":
        rows = _json_lines(text) if kind == "ndjson" else _json_elements(text)
        return Records((), _guard(rows))
    cells = _guard(_cells(text, delimiter))
    _, header = next(cells, (0, []))
    if not header:
        raise SourceError("The source is empty: CSV begins with a line of column names.")
    # A file of rejected rows, corrected: our two columns are no part of the row.
    own = len(REJECTED_COLUMNS) if tuple(header[:2]) == REJECTED_COLUMNS else 0
    columns = tuple(name.strip() for name in header[own:])
    return Records(columns, _csv_records(cells, columns, own))


def _cells(text: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Give the rows of CSV that hold anything, each with the line where it begins."""
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    begin = 1
    for row in reader:
        if row:
            yield begin, row
        begin = reader.line_num + 1


def _csv_records(
    cells: Iterator[tuple[int, list[str]]], columns: tuple[str, ...], own: int
) -> Iterator[Record]:
    for line, row in cells:
        given = row[own:]
        if len(given) != len(columns):
            fault = f"has {len(given)} cells, but there are {len(columns)} columns"
            yield Record(line, {}, given, fault)
        else:
            yield Record(line, dict(zip(columns, map(str.strip, given), strict=True)), given)


def _json_lines(text: TextIO) -> Iterator[Record]:
    decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
    for line, raw in enumerate(_lines(text), 1):
        if not raw.isspace():
            try:
                value = decode(raw)
            except (ValueError, RecursionError) as error:
                yield Record(line, {}, raw.strip(), f"is not JSON: {_reason(error)}")
            else:
                yield _of_json(line, value, raw.strip())


def _json_elements(text: TextIO) -> Iterator[Record]:
    for place, (value, raw) in enumerate(Elements(text, _refuse_constant), 1):
        yield _of_json(place, value, raw)


def _of_json(line: int, value: Any, raw: str) -> Record:
    if not isinstance(value, dict):
        return Record(line, {}, raw, "is not a JSON object")
    if tuple(value)[:2] == REJECTED_COLUMNS:
        for name in REJECTED_COLUMNS:
            del value[name]
    return Record(line, value, raw)


def _lines(text: TextIO) -> Iterator[str]:
    """Give lines with their ends, none so long that it would fill the memory."""
    for number, line in enumerate(iter(lambda: text.readline(MAX_CHARACTERS), ""), 1):
        if len(line) == MAX_CHARACTERS:
            raise SourceError(
                f"Line {number} of the source is longer than {MAX_CHARACTERS} characters."
            )
        yield line


def _guard(rows: Iterator[_T]) -> Iterator[_T]:
    """Turn what goes wrong while reading into an error that says so."""
    try:
        yield from rows
    except UnicodeDecodeError as error:
        raise SourceError(
            f"The source is not {error.encoding}: byte {error.object[error.start]:#x} has no"
            " meaning there. A mapping file can name another encoding."
        ) from error
    except (csv.Error, ValueError, OSError) as error:
        raise SourceError(f"The source cannot be read: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error).rstrip(".")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
