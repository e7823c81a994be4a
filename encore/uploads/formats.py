"""The formats of an upload's body: JSON, NDJSON and CSV, read row by row in constant memory.

An invalid line of NDJSON, or a wrong number of cells, is an error of that row. An error after which
the start and end of rows are uncertain rejects the body: invalid JSON, CSV with an open quote, text
that is not UTF-8. ``rows`` validates the rows.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final, Self

from encore.errors import FieldError, MalformedBody
from encore.http.media_types import MediaType
from encore.streams.formulas import ESCAPED, unescape_formula
from encore.strict_json import BodyDecoder
from encore.suggestions import suggest

MAX_ROW_SIZE: Final = 1024 * 1024
"""The longest row: in bytes of NDJSON, otherwise in characters."""

WHOLE_ROW: Final = ""
"""The field of an error of the whole row (in JSON Pointer, RFC 6901: the whole document)."""

MAX_BLANK_LINES: Final = 100_000
"""The most blank lines of NDJSON or CSV: each takes time and adds no row."""

_CHUNK_SIZE: Final = 64 * 1024
_WHITESPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER_MAY_CONTINUE: Final = ("", *"0123456789.eE+-")
"""What may continue a number that ends where the buffer does."""
_BODY: Final = BodyDecoder("The body", "line {0.lineno}, column {0.colno}")
_ROW: Final = BodyDecoder("The row", "column {0.colno}")


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that could not be decoded.

    Attributes:
        errors: What is wrong with it.
    """

    errors: tuple[FieldError, ...]

    @classmethod
    def with_message(cls, message: str) -> Self:
        """Return an unreadable row with one error of the whole row."""
        return cls(({"field": WHOLE_ROW, "message": message},))


Rows = Iterator[tuple[int, Any]]
"""The line and the content of each row: the decoded JSON, a dict of CSV cells (strings), or an
``UnreadableRow``."""


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """The valid names of CSV columns.

    Attributes:
        valid: All names.
        suggestions: The names that an error may suggest.
    """

    valid: Collection[str]
    suggestions: Collection[str]


def read_json(file: IO[bytes], _: ColumnNames) -> Rows:
    """Read the items of a JSON array; their lines are their positions, from 1.

    Raises:
        MalformedBody: The body is not exactly one array.
    """
    buffer = _JsonBuffer(file)
    buffer.expect("[")
    line = 0
    separator = "," if buffer.peek() != "]" else "]"
    while separator == ",":
        line += 1
        yield line, buffer.read_value(line)
        separator = buffer.peek()
        if separator == ",":
            buffer.expect(",")
    buffer.expect("]")
    buffer.expect_end()


def read_json_object(file: IO[bytes]) -> Any:
    """Decode a body of one value, at most as long as a row. Raises ``MalformedBody``."""
    data = file.read(MAX_ROW_SIZE + 1)
    if len(data) > MAX_ROW_SIZE:
        raise MalformedBody(f"The body's row is longer than {MAX_ROW_SIZE} bytes")
    return _BODY.decode(data.removeprefix(codecs.BOM_UTF8))


def is_array(file: IO[bytes]) -> bool:
    """Return whether a JSON body begins as an array; rewinds the file."""
    file.seek(0)
    start = b""
    while not start and (chunk := file.read(_CHUNK_SIZE)):
        start = chunk.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\n\r")
    file.seek(0)
    return start[:1] == b"["


class _JsonBuffer:
    """The part of a JSON text around the current position."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._position = 0
        self._bytes_read = 0
        self._ended = False

    def _fill(self) -> None:
        """Drop the text before the position, and read the next chunk."""
        data = self._file.read(_CHUNK_SIZE)
        try:
            text = self._decode(data, final=not data)
        except UnicodeDecodeError as error:
            position = self._bytes_read + error.start
            raise MalformedBody(f"The body is not UTF-8 near byte {position}") from error
        self._bytes_read += len(data)
        self._ended = not data
        self._text = self._text[self._position :] + text
        self._position = 0

    def peek(self) -> str:
        """Skip whitespace; return the next character, or an empty string at the end."""
        while True:
            whitespace = _WHITESPACE.match(self._text, self._position)
            self._position = whitespace.end() if whitespace else self._position
            if self._position < len(self._text) or self._ended:
                return self._text[self._position : self._position + 1]
            self._fill()

    def expect(self, character: str) -> None:
        """Skip a character. Raises ``MalformedBody`` if another one is next."""
        found = self.peek()
        if found != character:
            raise MalformedBody(f"The body is not JSON: expected {character!r}, found {found!r}")
        self._position += 1

    def expect_end(self) -> None:
        """Raise ``MalformedBody`` if anything but whitespace follows."""
        if self.peek():
            raise MalformedBody("The body is not JSON: unexpected text after its end")

    def read_value(self, line: int) -> Any:
        """Decode the next value. Raises ``MalformedBody``, which names the row."""
        self.peek()
        while len(self._text) - self._position <= MAX_ROW_SIZE + _CHUNK_SIZE:
            try:
                value, end = _BODY.decode_at(self._text, self._position)
            except json.JSONDecodeError as error:
                if self._ended:
                    message = f"The body is not JSON: {error.msg} in row {line}"
                    raise MalformedBody(message) from error
            else:
                if end - self._position > MAX_ROW_SIZE:
                    break
                if self._ended or self._text[end : end + 1] not in _NUMBER_MAY_CONTINUE:
                    self._position = end
                    return value
            self._fill()
        raise MalformedBody(
            f"The body is not JSON, or row {line} is longer than {MAX_ROW_SIZE} characters"
        )


def _check_blank_lines(count: int) -> None:
    if count > MAX_BLANK_LINES:
        raise MalformedBody(f"The body has more than {MAX_BLANK_LINES} blank lines")


def read_ndjson(file: IO[bytes], _: ColumnNames) -> Rows:
    """Read one JSON value a line; blank lines are skipped."""
    blank_lines = 0
    for line, data in enumerate(_read_lines(file), start=1):
        if data is None:
            yield line, UnreadableRow.with_message(f"The row is longer than {MAX_ROW_SIZE} bytes")
        elif data := data.strip(b" \t\r\n"):
            try:
                value = _ROW.decode(data)
            except MalformedBody as error:
                errors = tuple(e for e in error.errors if not isinstance(e, str))
                value = UnreadableRow(errors or UnreadableRow.with_message(error.message).errors)
            yield line, value
        else:
            blank_lines += 1
            _check_blank_lines(blank_lines)


def _read_lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Iterate over the lines without a byte order mark; None for a line that is too long."""
    bom = codecs.BOM_UTF8
    while data := file.readline(MAX_ROW_SIZE + 2):  # With its end, CRLF.
        if data.endswith(b"\n") or len(data) <= MAX_ROW_SIZE:
            yield data.removeprefix(bom)
        else:
            while data and not data.endswith(b"\n"):
                data = file.readline(MAX_ROW_SIZE)
            yield None
        bom = b""


def read_csv(file: IO[bytes], names: ColumnNames) -> Rows:
    """Read a header of field names, then rows of cells; an empty cell has no value.

    The line of a row is the physical line that it begins on.

    Raises:
        MalformedBody: The body is not CSV in UTF-8 (RFC 4180), or its header is invalid.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        lines = _CsvLines(text)
        reader = csv.reader(lines, strict=True)
        header = next(reader, [])
        _check_header(header, names)
        blank_lines = 0
        line = reader.line_num + 1
        for cells in reader:
            lines.row_size = 0
            if len(cells) == len(header):
                row = zip(header, cells, strict=True)
                has_empty = "" in cells
                yield line, {name: cell for name, cell in row if cell} if has_empty else dict(row)
            elif cells:
                message = f"The row has {len(cells)} cells, not {len(header)}"
                yield line, UnreadableRow.with_message(message)
            else:
                blank_lines += 1
                _check_blank_lines(blank_lines)
            line = reader.line_num + 1
    except csv.Error as error:
        raise MalformedBody(f"The body is not CSV: {error} in line {reader.line_num}") from error
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8 near line {reader.line_num + 1}") from error
    finally:
        if not file.closed:
            text.detach()  # Otherwise the wrapper would close the file.


def read_escaped_csv(file: IO[bytes], names: ColumnNames) -> Rows:
    """Read CSV as streams write it: the apostrophe that escapes a formula is removed.

    In other CSV an apostrophe is part of the value.
    """
    for line, row in read_csv(file, names):
        if isinstance(row, dict):
            yield line, {name: unescape_formula(cell) for name, cell in row.items()}
        else:
            yield line, row


class _CsvLines:
    """The physical lines of a CSV body, each row of limited size.

    Attributes:
        row_size: The characters since it was set to 0: a row may have many lines.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._readline = text.readline
        self._line = 0
        self.row_size = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._readline(MAX_ROW_SIZE + 1)
        if not line:
            raise StopIteration
        self._line += 1
        self.row_size += len(line)
        if self.row_size > MAX_ROW_SIZE:
            raise MalformedBody(
                f"The row that includes line {self._line} is longer than {MAX_ROW_SIZE} characters"
            )
        return line


def _check_header(header: list[str], names: ColumnNames) -> None:
    if not header:
        raise MalformedBody("The body has no header: its first line must name the fields")
    for position, name in enumerate(header):
        shown = name[:100].replace("\x00", "")
        if name not in names.valid:
            message = f"{shown} is not a field; {suggest(shown, names.suggestions)}"
        elif name in header[:position]:
            message = f"{shown} is given twice"
        else:
            continue
        errors: list[FieldError] = [{"field": shown, "message": message}]
        raise MalformedBody(f"The header's column {message}", errors)


@dataclass(frozen=True, slots=True)
class UploadFormat:
    """A format of bodies.

    Attributes:
        media_type: Its media type.
        aliases: Other names of the media type.
        read: Returns the rows.
        is_text: Whether values are strings, to be parsed as those of a query.
        parameter: A parameter of the media type, and the value that selects this format.
    """

    media_type: str
    aliases: tuple[str, ...]
    read: Callable[[IO[bytes], ColumnNames], Rows]
    is_text: bool = False
    parameter: tuple[str, str] | None = None

    def matches(self, media_type: MediaType) -> bool:
        """Return whether a body of a media type has this format."""
        name, value = self.parameter or ("", "")
        selected = not name or media_type.parameters.get(name, "").lower() == value
        return selected and media_type.name in (self.media_type, *self.aliases)


JSON: Final = UploadFormat("application/json", (), read_json)
NDJSON: Final = UploadFormat(
    "application/x-ndjson", ("application/ndjson", "application/jsonl"), read_ndjson
)
CSV: Final = UploadFormat("text/csv", (), read_csv, is_text=True)
ESCAPED_CSV: Final = UploadFormat("text/csv", (), read_escaped_csv, is_text=True, parameter=ESCAPED)
FORMATS: Final = (JSON, NDJSON, ESCAPED_CSV, CSV)
"""The formats; the first that matches a media type is used."""
