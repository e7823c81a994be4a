"""Decodes the bytes of a source.

Bytes that are invalid in the encoding become characters that no text contains, so that the rows
before them are read, and the error can name the line.
"""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final, TextIO

from client.errors import SourceError

MAX_CHARACTERS: Final = 1 << 20
"""The longest supported line, row or member, in characters; bounds the memory."""

_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32", "utf-32"),
    (b"\xff\xfe", "utf-16", "utf-16"),
    (b"\xfe\xff", "utf-16", "utf-16"),
)
"""Byte order marks, their encodings, and the codecs that skip them; longer marks first."""
_MARK_BYTES: Final = 4
_UTF_8: Final = "utf-8"
_SINGLE_BYTE: Final = ("cp125", "cp437", "cp85", "iso8859", "koi8", "mac-")
"""Beginnings of encodings in which UTF-8 is valid, but other letters: MÃ¼ller for Müller."""
_BUFFER_BYTES: Final = 1 << 16
_HANDLER: Final = "client-mark-invalid"
_MARKED: Final = re.compile("[\udc00-\udcff]")
_MARKED_AS: Final = 0xDC00


@contextmanager
def decode_text(content: IO[bytes], encoding: str, charset: str = "") -> Iterator[TextIO]:
    """Decode a binary stream, keeping its line ends; leave the stream open.

    Args:
        content: Read from its current position.
        encoding: The mapping's; empty: that of the byte order mark, else ``charset``, else UTF-8.
        charset: The media type's; empty without one.

    Raises:
        SourceError: The charset is unknown, or the content contradicts the encoding: by its byte
            order mark, or since its beginning is UTF-8.
    """
    codecs.register_error(_HANDLER, _mark_invalid)
    start = _read_start(content)
    codec = _choose_codec(start, encoding, charset)
    if _normalize(codec).startswith(_SINGLE_BYTE):
        start += getattr(content, "read1", content.read)(_BUFFER_BYTES)
        _check_not_utf_8(start, encoding, charset)
    buffer = io.BufferedReader(_Restarted(start, content), _BUFFER_BYTES)
    with io.TextIOWrapper(buffer, codec, _HANDLER, newline="") as stream:
        yield stream


def read_lines(stream: TextIO) -> Iterator[str]:
    """Yield lines with their ends.

    Raises:
        SourceError: A line is not in the encoding, or so long that it would fill the memory.
    """
    for number, line in enumerate(iter(lambda: stream.readline(MAX_CHARACTERS), ""), 1):
        if len(line) == MAX_CHARACTERS:
            raise SourceError(
                f"Line {number} of the source is longer than {MAX_CHARACTERS} characters."
            )
        if not line.isascii():
            check_encoding(stream, line, number)
        yield line


def check_encoding(stream: TextIO, text: str, line: int) -> None:
    """Raise if text contains what could not be decoded.

    Args:
        stream: What the text was read from.
        text: The next text of it.
        line: The number of its first line.

    Raises:
        SourceError: It does; the message names the line.
    """
    if found := _MARKED.search(text):
        line += len(re.findall("\r\n|\r|\n", text[: found.start()]))
        encoding = stream.encoding.removesuffix("-sig")
        proposed = "cp1252" if codecs.lookup(encoding).name == _UTF_8 else _UTF_8
        raise SourceError(
            f"Line {line} of the source is not {encoding}: byte {ord(found[0]) - _MARKED_AS:#x} is"
            f' invalid there. Write its encoding in the mapping, such as encoding = "{proposed}".'
        )


def _mark_invalid(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return chr(_MARKED_AS + error.object[error.start]), error.end


def _read_start(content: IO[bytes]) -> bytes:
    """Read the bytes that may be a byte order mark."""
    start = b""
    while len(start) < _MARK_BYTES and (more := content.read(_MARK_BYTES - len(start))):
        start += more
    return start


def _choose_codec(start: bytes, encoding: str, charset: str) -> str:
    for mark, name, codec in _MARKS:
        if start.startswith(mark):
            if not encoding or _normalize(encoding).startswith(name):
                return codec
            raise SourceError(
                f'The source begins with the byte order mark of {name}, but encoding = "{encoding}"'
                " in the mapping: remove that line."
            )
    if not encoding and b"\0" in start:
        little = start[:1] != b"\0"
        raise SourceError(
            "The source seems to be UTF-16 without a byte order mark: write"
            f' encoding = "utf-16-{"le" if little else "be"}" in the mapping.'
        )
    name = encoding or charset or _UTF_8
    try:
        "a".encode(name)
    except (LookupError, ValueError) as error:
        raise SourceError(
            f"The charset {name[:40]!r} of the source is unknown: write its encoding in the"
            ' mapping, such as encoding = "cp1252".'
        ) from error
    return name


def _check_not_utf_8(start: bytes, encoding: str, charset: str) -> None:
    """Raise if bytes are UTF-8 with other characters than those of ASCII."""
    if start.isascii():
        return
    try:
        codecs.getincrementaldecoder(_UTF_8)().decode(start)
    except UnicodeDecodeError:
        return
    raise SourceError(
        f'The source is UTF-8, but encoding = "{encoding}" in the mapping: remove that line.'
        if encoding
        else f"The source is UTF-8, but its Content-Type says charset={charset}: write"
        ' encoding = "utf-8" in the mapping.'
    )


def _normalize(encoding: str) -> str:
    """Return an encoding's name in Python's spelling: ``utf-8`` for ``UTF8``."""
    return codecs.lookup(encoding).name


class _Restarted(io.RawIOBase):
    """A binary stream, preceded by the bytes that were read from it already."""

    def __init__(self, start: bytes, content: IO[bytes]) -> None:
        self._start = start
        # What is there already, instead of waiting for a whole buffer.
        self._read = getattr(content, "read1", content.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._start or self._read(len(buffer))
        size = min(len(piece), len(buffer))
        buffer[:size] = piece[:size]
        self._start = piece[size:]
        return size
