"""Reading ``multipart/mixed`` (RFC 2046) as it arrives, by the length that each part states."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from client.link_header import next_link
from client.requesting.pages import parse_content_range
from encore.client.errors import NetworkError, UnexpectedResponseError

MAX_PART_BYTES: Final = 256 * 1024 * 1024
"""The API's parts have 256 KB, or one row."""

_MAX_LINE: Final = 16_384
_LINE_END: Final = b"\r\n"
_LENGTH: Final = re.compile(r"[0-9]{1,12}")
_BOUNDARY: Final = re.compile(r';\s*boundary="?([0-9A-Za-z\'()+_,./:=? -]{1,70})"?', re.IGNORECASE)
_MALFORMED: Final = "The API's stream is malformed, as if it had been changed on its way"


class Part(NamedTuple):
    """Rows of a stream."""

    content: bytes
    has_header: bool
    """Whether CSV begins with its header line."""
    rows: int | None
    """None if the stream has no parts."""
    next_url: str | None
    """Where to continue after these rows; None after the last, or without cursors."""


def find_boundary(content_type: str) -> str | None:
    """Return the boundary of a multipart content type; None for another type."""
    if not content_type.lower().startswith("multipart/mixed"):
        return None
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise UnexpectedResponseError(f"{_MALFORMED}: it has no boundary.")
    return match[1]


def read_parts(chunks: Iterator[bytes], boundary: str) -> Iterator[Part]:
    """Yield the parts of a body, each when it is complete.

    Raises:
        NetworkError: The body ends before its closing boundary.
        UnexpectedResponseError: It is malformed.
    """
    reader = _ChunkReader(chunks)
    delimiter, end = f"--{boundary}".encode(), f"--{boundary}--".encode()
    while (line := reader.line()) != end:
        if line != delimiter:
            raise UnexpectedResponseError(f"{_MALFORMED}: a boundary is missing.")
        headers: dict[str, str] = {}
        while line := reader.line():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "")
        if not _LENGTH.fullmatch(length) or int(length) > MAX_PART_BYTES:
            raise UnexpectedResponseError(f"{_MALFORMED}: a part has an invalid length.")
        content = reader.exactly(int(length))
        if reader.line():
            raise UnexpectedResponseError(f"{_MALFORMED}: a part is longer than it says.")
        yield _part(content, headers)
    # The transport notices whether the HTTP body is complete too.
    reader.drain()


def _part(content: bytes, headers: dict[str, str]) -> Part:
    found = parse_content_range(headers.get("content-range", ""))
    try:
        following = next_link(headers.get("link", ""))
    except ValueError as error:
        raise UnexpectedResponseError(f"{_MALFORMED}: its Link cannot be read.") from error
    return Part(
        content,
        has_header="header=present" in headers.get("content-type", ""),
        rows=0 if found is None else found.last - found.first + 1,
        next_url=following,
    )


class _ChunkReader:
    """Reads lines and blocks from chunks of any size."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""

    def line(self) -> bytes:
        """Return the next line without its end."""
        while (end := self._buffer.find(_LINE_END)) < 0:
            if len(self._buffer) > _MAX_LINE:
                raise UnexpectedResponseError(f"{_MALFORMED}: a header is too long.")
            self._buffer += self._next()
        line, self._buffer = self._buffer[:end], self._buffer[end + len(_LINE_END) :]
        return line

    def exactly(self, size: int) -> bytes:
        """Return the next bytes."""
        pieces, found = [self._buffer], len(self._buffer)
        while found < size:
            pieces.append(self._next())
            found += len(pieces[-1])
        content = b"".join(pieces)
        self._buffer = content[size:]
        return content[:size]

    def drain(self) -> None:
        """Read to the end of the chunks."""
        for _ in self._chunks:
            pass

    def _next(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise NetworkError("The stream was cut off: it ends before its closing boundary.")
