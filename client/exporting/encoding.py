"""The bytes that are written: the rows, or the rows compressed.

gzip files may have several members (RFC 1952 section 2.2). One ends wherever an export can be
resumed, so that what is resumed is decompressed like what was not.
"""

import zlib
from typing import Final

_GZIP: Final = 16 + zlib.MAX_WBITS
_LEVEL: Final = 6


class PlainEncoder:
    """Leaves the rows as they are."""

    def encode(self, content: bytes) -> bytes:
        """Return the bytes to write."""
        return content

    def end(self) -> bytes:
        """Return the bytes after which another encoder may begin."""
        return b""


class GzipEncoder(PlainEncoder):
    """Compresses the rows, in members."""

    def __init__(self) -> None:
        self._stream: zlib._Compress | None = None

    def encode(self, content: bytes) -> bytes:
        """Return the bytes to write; may be empty."""
        if self._stream is None:
            self._stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        return self._stream.compress(content)

    def end(self) -> bytes:
        """Return the end of the member."""
        rest = b"" if self._stream is None else self._stream.flush()
        self._stream = None
        return rest
