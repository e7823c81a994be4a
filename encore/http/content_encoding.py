"""Content codings of request bodies (RFC 9110, section 8.4): gzip and deflate, decoded in pieces.

However much a body would grow to, no more of it is decoded at a time than a piece, so that the
limit of the reader holds for decoded bytes.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Final

from starlette.types import Scope

from encore.errors import MalformedBody, UnsupportedMediaType

CHUNK_BYTES: Final = 256 * 1024
"""The most that is decoded at a time, in bytes."""

_KNOWN: Final = ("gzip", "x-gzip", "deflate")
_GZIP: Final = 16 + zlib.MAX_WBITS
_MAX_MEMBERS: Final = 1000
"""How many gzip files one body may be put together of (RFC 1952, section 2.2)."""
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
        """Decode what has come, in pieces. Raises ``MalformedBody``."""
        while data:
            if self._stream is None:
                self._stream = self._begin(data)
            try:
                piece = self._stream.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise MalformedBody(f"The body is not {self._coding}") from error
            if piece:
                yield piece
            data = self._stream.unconsumed_tail
            if self._stream.eof:
                data = self._stream.unused_data
                if data and self._coding != "gzip":
                    raise MalformedBody(f"The body goes on behind the end of its {self._coding}")
                self._stream = None
            elif not piece and not data:
                return

    def finish(self) -> None:
        """Check that the body is whole. Raises ``MalformedBody``."""
        if self._stream is not None:
            raise MalformedBody(f"The body ends before its {self._coding} does")

    def _begin(self, data: bytes) -> Any:
        self._members += 1
        if self._members > (_MAX_MEMBERS if self._coding == "gzip" else 1):
            raise MalformedBody(f"The body holds too many {self._coding} streams")
        if self._coding == "gzip":
            return zlib.decompressobj(_GZIP)
        # Some clients send the bare stream without zlib's header (RFC 9110, section 8.4.1.2).
        first = data[0]
        has_header = first % 16 == _ZLIB_METHOD
        if has_header and len(data) > 1:
            has_header = (first * 256 + data[1]) % _ZLIB_CHECK == 0
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def content_decoder(scope: Scope) -> ContentDecoder | None:
    """Return the decoder of a request's body; None where it is sent as it is.

    Raises:
        UnsupportedMediaType: It has another coding, or several.
    """
    given = [value for name, value in scope["headers"] if name == b"content-encoding"]
    if not given:
        return None
    codings = [name.strip() for name in b",".join(given).decode("latin-1").lower().split(",")]
    codings = [name for name in codings if name not in ("", "identity")]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in _KNOWN:
        raise UnsupportedMediaType(
            "The body may be coded by gzip or deflate, once", headers={"Accept-Encoding": _OFFERED}
        )
    return ContentDecoder(codings[0].removeprefix("x-"))


_OFFERED: Final = "gzip, deflate, identity"
