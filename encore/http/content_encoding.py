"""Content codings of request bodies (RFC 9110, section 8.4): gzip and deflate, decoded in chunks.

At most one chunk is decoded at a time, so that the reader's limit also holds for decoded bytes.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Final

from starlette.types import Scope

from encore.errors import MalformedBody, UnsupportedMediaType

CHUNK_BYTES: Final = 256 * 1024
"""How many bytes are decoded at a time."""

_SUPPORTED: Final = ("gzip", "x-gzip", "deflate")
_ACCEPTED: Final = "gzip, deflate, identity"
_GZIP: Final = 16 + zlib.MAX_WBITS
_MAX_MEMBERS: Final = 1000
"""How many gzip members one body may consist of (RFC 1952, section 2.2)."""
_ZLIB_METHOD: Final = 8
_ZLIB_CHECK: Final = 31


class ContentDecoder:
    """Decodes one body.

    Args:
        coding: ``gzip`` or ``deflate``.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream: Any = None
        self._members = 0

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded chunks of received data. Raises ``MalformedBody``."""
        while data:
            if self._stream is None:
                self._stream = self._begin(data)
            try:
                chunk = self._stream.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise MalformedBody(f"The body is not {self._coding}") from error
            if chunk:
                yield chunk
            data = self._stream.unconsumed_tail
            if self._stream.eof:
                data = self._stream.unused_data
                if data and self._coding != "gzip":
                    raise MalformedBody(f"The body continues after the end of its {self._coding}")
                self._stream = None
            elif not chunk and not data:
                return

    def finish(self) -> None:
        """Check that the body is complete. Raises ``MalformedBody``."""
        if self._stream is not None:
            raise MalformedBody(f"The body ends before its {self._coding} does")

    def _begin(self, data: bytes) -> Any:
        self._members += 1
        if self._members > (_MAX_MEMBERS if self._coding == "gzip" else 1):
            raise MalformedBody(f"The body contains too many {self._coding} streams")
        if self._coding == "gzip":
            return zlib.decompressobj(_GZIP)
        # Some clients send the raw stream without zlib's header (RFC 9110, section 8.4.1.2).
        first = data[0]
        has_header = first % 16 == _ZLIB_METHOD
        if has_header and len(data) > 1:
            has_header = (first * 256 + data[1]) % _ZLIB_CHECK == 0
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def content_decoder(scope: Scope) -> ContentDecoder | None:
    """Return the decoder of a request's body; None without a content coding.

    Raises:
        UnsupportedMediaType: The content coding is unsupported, or there are several.
    """
    values = [value for name, value in scope["headers"] if name == b"content-encoding"]
    if not values:
        return None
    codings = [name.strip() for name in b",".join(values).decode("latin-1").lower().split(",")]
    codings = [name for name in codings if name not in ("", "identity")]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in _SUPPORTED:
        raise UnsupportedMediaType(
            "Content-Encoding must be gzip or deflate, once", headers={"Accept-Encoding": _ACCEPTED}
        )
    return ContentDecoder(codings[0].removeprefix("x-"))
