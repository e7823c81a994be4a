"""Formats: the rows of a body, one by one, as JSON, NDJSON or CSV; memory is flat whatever comes.

What is wrong with one line of NDJSON, or with one row's number of cells, is that row's matter.
What leaves in doubt where rows begin and end refuses the whole body: JSON that is none, CSV with
an open quote, text that is not UTF-8.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from encore.errors import FieldError, MalformedBody
from encore.http.media_types import MediaType
from encore.streams.formulas import ESCAPED, unescape_formula
from encore.strict_json import BodyDecoder
from encore.suggestions import suggest

MAX_ROW: Final = 1024 * 1024
"""The longest row, in bytes of NDJSON, else in characters."""

WHOLE_ROW: Final = ""
"""The field of what is wrong with a row as a whole (in JSON Pointer, RFC 6901: all of it)."""

MAX_BLANK: Final = 100_000
"""The most blank lines of a body of NDJSON or CSV: each costs time, and says nothing."""

_WINDOW: Final = 64 * 1024
_BLANK: Final = re.compile(r"[ \t\n\r]*")
_GOES_ON: Final = ("", *"0123456789.eE+-")
"""Behind a number, what may still belong to it: one may end in the middle of what is read."""
_BODY: Final = BodyDecoder("The body", "line {0.lineno}, column {0.colno}")
_ROW: Final = BodyDecoder("The row", "column {0.colno}")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that could not be read; the others can."""

    errors: tuple[FieldError, ...]

    @classmethod
    def because(cls, text: str) -> "Unreadable":
        """Say what is wrong with the row as a whole."""
        return cls(({"field": WHOLE_ROW, "message": text},))


Rows = Iterator[tuple[int, Any]]
"""Each row's line, and the row: what JSON decodes to, or ``Unreadable``; cells of CSV are text."""


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """What the columns of a CSV body may be called.

    Attributes:
        known: All names.
        shown: Those that a refusal may suggest.
    """

    known: Collection[str]
    shown: Collection[str]


def read_json(file: IO[bytes], _: ColumnNames) -> Rows:
    """Read an array; lines are positions in it, from 1.

    Raises:
        MalformedBody: It is not an array of JSON, whole and nothing more.
    """
    window = _Window(file)
    window.expect("[")
    number = 0
    if window.look() == "]":
        window.expect("]")
    else:
        mark = ","
        while mark == ",":
            number += 1
            yield number, window.value(number)
            mark = window.look()
            window.expect("]" if mark != "," else ",")
    window.expect_end()


def read_json_object(file: IO[bytes]) -> Any:
    """Read a body that is one value, of no more than a row's size. Raises ``MalformedBody``."""
    data = file.read(MAX_ROW + 1)
    if len(data) > MAX_ROW:
        raise MalformedBody(f"The body's one row is longer than {MAX_ROW} bytes")
    return _BODY.decode(data.removeprefix(codecs.BOM_UTF8))


def is_array(file: IO[bytes]) -> bool:
    """Tell whether JSON begins as an array; leaves the file at its start."""
    file.seek(0)
    first = b""
    while not first and (piece := file.read(_WINDOW)):
        first = piece.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\n\r")
    file.seek(0)
    return first[:1] == b"["


class _Window:
    """The part of a JSON text that is being read, and what comes after it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._read = 0
        self._ended = False

    def _more(self) -> None:
        """Forget what is read, and read on."""
        data = self._file.read(_WINDOW)
        try:
            text = self._decode(data, final=not data)
        except UnicodeDecodeError as error:
            at = self._read + error.start
            raise MalformedBody(f"The body is not UTF-8 near byte {at}") from error
        self._read += len(data)
        self._ended = not data
        self._text = self._text[self._at :] + text
        self._at = 0

    def look(self) -> str:
        """Give the next character that is no blank, without going on; empty at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def expect(self, mark: str) -> None:
        """Go past this character. Raises ``MalformedBody``."""
        found = self.look()
        if found != mark:
            raise MalformedBody(f"The body is not JSON: expected {mark!r}, found {found!r}")
        self._at += 1

    def expect_end(self) -> None:
        """Refuse anything but blanks from here. Raises ``MalformedBody``."""
        if self.look():
            raise MalformedBody("The body is not JSON: there is something behind its end")

    def value(self, number: int) -> Any:
        """Give the value that begins here. Raises ``MalformedBody``, naming the row."""
        self.look()
        while len(self._text) - self._at <= MAX_ROW + _WINDOW:
            try:
                value, end = _BODY.decode_at(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    text = f"The body is not JSON: {error.msg} in row {number}"
                    raise MalformedBody(text) from error
            else:
                if end - self._at > MAX_ROW:
                    break
                if self._ended or self._text[end : end + 1] not in _GOES_ON:
                    self._at = end
                    return value
            self._more()
        raise MalformedBody(
            f"The body is not JSON, or row {number} is longer than {MAX_ROW} characters"
        )


def read_ndjson(file: IO[bytes], _: ColumnNames) -> Rows:
    """Read one value a line; blank lines are passed over."""
    blank = 0
    for line, data in enumerate(_lines(file), start=1):
        if data is None:
            yield line, Unreadable.because(f"The row is longer than {MAX_ROW} bytes")
        elif data := data.removeprefix(_mark(line)).strip(b" \t\r\n"):
            try:
                value = _ROW.decode(data)
            except MalformedBody as refusal:
                errors = tuple(e for e in refusal.errors if not isinstance(e, str))
                value = Unreadable(errors) if errors else Unreadable.because(refusal.message)
            yield line, value
        else:
            blank += 1
            _check_blank(blank)


def _check_blank(count: int) -> None:
    if count > MAX_BLANK:
        raise MalformedBody(f"The body has more than {MAX_BLANK} blank lines")


def _mark(line: int) -> bytes:
    """Return the byte order mark, which a body may begin with."""
    return codecs.BOM_UTF8 if line == 1 else b""


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Give the lines; None in place of one that is too long."""
    while data := file.readline(MAX_ROW + 2):  # With its end, CRLF.
        if data.endswith(b"\n") or len(data) <= MAX_ROW:
            yield data
            continue
        while data and not data.endswith(b"\n"):
            data = file.readline(MAX_ROW)
        yield None


def read_csv(file: IO[bytes], names: ColumnNames) -> Rows:
    """Read a header of fields' names, then rows of cells; an empty cell is as good as none.

    A row's line is the physical one that it begins on.

    Raises:
        MalformedBody: It is not CSV in UTF-8 (RFC 4180), or its header is not right.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        lines = _CsvLines(text)
        reader = csv.reader(lines, strict=True)
        header = next(reader, [])
        blank = 0
        _check_header(header, names)
        line = reader.line_num + 1
        for cells in reader:
            lines.row_size = 0
            if len(cells) == len(header):
                yield line, {name: cell for name, cell in zip(header, cells, strict=True) if cell}
            elif cells:
                yield line, Unreadable.because(f"The row has {len(cells)} cells, not {len(header)}")
            else:
                blank += 1
                _check_blank(blank)
            line = reader.line_num + 1
    except csv.Error as error:
        raise MalformedBody(f"The body is not CSV: {error} in line {reader.line_num}") from error
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8 near line {reader.line_num + 1}") from error
    finally:
        if not file.closed:
            text.detach()  # Or the text's end would close the file.


def read_escaped_csv(file: IO[bytes], names: ColumnNames) -> Rows:
    """Read what a stream of CSV has written: an escaped text is the text that it was.

    In other CSV an apostrophe is part of the text that it begins.
    """
    for line, row in read_csv(file, names):
        if isinstance(row, dict):
            yield line, {name: unescape_formula(cell) for name, cell in row.items()}
        else:
            yield line, row


class _CsvLines:
    """The physical lines of a CSV body.

    Attributes:
        row_size: The characters given since it was set to 0: a row may go on over many lines.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._read = text.readline
        self._number = 0
        self.row_size = 0

    def __iter__(self) -> "_CsvLines":
        return self

    def __next__(self) -> str:
        line = self._read(MAX_ROW + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self.row_size += len(line)
        if self.row_size > MAX_ROW:
            text = f"The row that holds line {self._number} is longer than {MAX_ROW} characters"
            raise MalformedBody(text)
        return line


def _check_header(header: list[str], names: ColumnNames) -> None:
    if not header:
        raise MalformedBody("The body has no header: its first line must name the fields")
    for position, name in enumerate(header):
        shown = name[:100].replace("\x00", "")
        if name not in names.known:
            text = f"is no field; {suggest(shown, names.shown)}"
        elif name in header[:position]:
            text = "is given twice"
        else:
            continue
        message = f"{shown} {text}"
        raise MalformedBody(f"The header's column {message}", [_error(shown, message)])


def _error(field: str, message: str) -> Mapping[str, str]:
    return {"field": field, "message": message}


@dataclass(frozen=True, slots=True)
class Format:
    """One media type of bodies.

    Attributes:
        media_type: Its registered or usual name.
        aliases: Other names that mean the same.
        read: Gives the rows.
        is_text: Whether values are text, to be read as a query's are.
        parameter: A parameter of the media type, and its value, that mean this format.
    """

    media_type: str
    aliases: tuple[str, ...]
    read: Callable[[IO[bytes], ColumnNames], Rows]
    is_text: bool = False
    parameter: tuple[str, str] | None = None

    def reads(self, media_type: MediaType) -> bool:
        """Return whether a body of this media type has this format."""
        name, value = self.parameter or ("", "")
        named = not name or media_type.parameters.get(name, "").lower() == value
        return named and media_type.name in (self.media_type, *self.aliases)


JSON: Final = Format("application/json", (), read_json)
NDJSON: Final = Format(
    "application/x-ndjson", ("application/ndjson", "application/jsonl"), read_ndjson
)
CSV: Final = Format("text/csv", (), read_csv, is_text=True)
ESCAPED_CSV: Final = Format("text/csv", (), read_escaped_csv, is_text=True, parameter=ESCAPED)
FORMATS: Final = (JSON, NDJSON, ESCAPED_CSV, CSV)
"""The first that reads a media type is the one that is meant."""
