"""Reads CSV as records: finds the line of the column names, and names the cells of each row."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TextIO

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.csv_lines import CsvLines
from client.importing.reading.csv_rows import CsvRows
from client.importing.reading.record import REJECTED_COLUMNS, Record
from client.importing.reading.text import read_lines

_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
"""A line with which Excel is told the delimiter."""
_USUAL_DELIMITERS: Final = (";", "\t", ",", "|")


class Header(NamedTuple):
    """The columns of CSV, and the rows after them."""

    columns: tuple[str, ...]
    added: int
    """Columns before these: those of a file of rejected rows."""
    rows: CsvRows


def read_header(stream: TextIO, mapping: FieldMapping, delimiter: str) -> Header:
    """Read the column names.

    Args:
        stream: At its start.
        mapping: Its ``header`` is the line of the column names; 1 is the first line with cells.
        delimiter: Between cells, if neither the mapping nor a ``sep=`` line names one.

    Raises:
        SourceError: There are no column names, or they are not separated by the delimiter.
    """
    lines = CsvLines(read_lines(stream))
    first, delimiter = _find_header(lines, mapping, delimiter)
    rows = CsvRows(lines, delimiter)
    number = lines.number
    lines.put_back([first])
    line, cells, reason = next(iter(rows), (0, [], "is blank"))
    if reason or line != number:
        raise SourceError(
            f"The column names in line {number} of the source cannot be read: the"
            f" line {reason or 'is blank'}."
        )
    _check_delimiter(cells, first, delimiter, number)
    added = len(REJECTED_COLUMNS) if tuple(cells[:2]) == REJECTED_COLUMNS else 0
    rows.expect(len(cells), added)
    return Header(tuple(name.strip() for name in cells[added:]), added, rows)


def csv_records(header: Header) -> Iterator[Record]:
    """Yield the rows as records."""
    columns, added, rows = header
    unnamed = "" in columns
    for line, row, error in rows:
        cells = row[added:] if added else row
        if error:
            yield Record(line, {}, cells, error)
            continue
        values = dict(zip(columns, map(str.strip, cells), strict=True))
        if unnamed:
            del values[""]
        yield Record(line, values, cells)


def _find_header(lines: CsvLines, mapping: FieldMapping, delimiter: str) -> tuple[str, str]:
    """Read up to the line of the column names; return it and the delimiter."""
    delimiter = mapping.delimiter or delimiter
    while line := lines.read():
        if lines.number == 1 and line.startswith(delimiter.join((*REJECTED_COLUMNS, ""))):
            return line, delimiter
        if found := _SEPARATOR_LINE.fullmatch(line):
            if mapping.delimiter and found[1] != mapping.delimiter:
                raise SourceError(
                    f"Line {lines.number} of the source says sep={found[1]}, but the mapping says"
                    f" delimiter = {_quote(mapping.delimiter)}: remove that from the mapping."
                )
            delimiter = found[1]
        elif lines.number >= mapping.header and (line.strip() or mapping.header > 1):
            return line, delimiter
    if not lines.number:
        raise SourceError("The source is empty: CSV begins with a line of column names.")
    raise SourceError(
        f"The source has no column names: it has {lines.number} lines, and they are expected in"
        f" line {mapping.header}. header in the mapping is their line."
    )


def _check_delimiter(cells: list[str], line: str, delimiter: str, number: int) -> None:
    if len(cells) > 1:
        return
    for other in _USUAL_DELIMITERS:
        if other != delimiter and other in line:
            raise SourceError(
                f"The column names in line {number} of the source are not separated by"
                f" {_quote(delimiter)}: write delimiter = {_quote(other)} in the mapping."
            )


def _quote(character: str) -> str:
    """Return a character as TOML writes it."""
    return '"\\t"' if character == "\t" else f'"{character}"'
