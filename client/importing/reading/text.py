"""Decodes the bytes of a source."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, TextIO

_UTF_8: Final = codecs.lookup("utf-8").name


@contextmanager
def decode_text(content: IO[bytes], encoding: str) -> Iterator[TextIO]:
    """Decode a binary stream, keeping its line ends; leave the stream open.

    Args:
        content: Read from its current position.
        encoding: For UTF-8, a byte order mark is skipped.
    """
    name = codecs.lookup(encoding).name
    stream = io.TextIOWrapper(content, "utf-8-sig" if name == _UTF_8 else encoding, newline="")
    try:
        yield stream
    finally:
        stream.detach()
