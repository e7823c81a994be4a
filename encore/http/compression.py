"""Compression of responses (``Accept-Encoding``, RFC 9110, section 12.5.3): gzip, or none.

Only streams are compressed, chunk by chunk as they are produced.
"""

import re
import zlib
from typing import Final

from starlette.types import Scope

from encore.errors import NotAcceptable

LEVEL: Final = 1
"""zlib's level. At 6 an export of a table is a tenth smaller, but takes three times as long."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_ITEM: Final = re.compile(r"\s*([!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?")


class GzipEncoder:
    """Compresses one body, in any number of chunks."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)

    def compress(self, data: bytes) -> bytes:
        """Return the compressed bytes available after another chunk; may be empty."""
        return self._stream.compress(data)

    def finish(self) -> bytes:
        """Return the rest of the compressed body."""
        return self._stream.flush()


def accepts_gzip(scope: Scope) -> bool:
    """Return whether a response must be compressed by gzip; otherwise it is sent uncompressed.

    Raises:
        NotAcceptable: ``Accept-Encoding`` excludes both.
    """
    values = [value for name, value in scope["headers"] if name == b"accept-encoding"]
    if not values:
        return False
    weights = _weights(b",".join(values).decode("latin-1").lower())
    others = weights.get("*")
    gzip = weights.get("gzip", weights.get("x-gzip", others or 0.0))
    if gzip > 0 and gzip >= weights.get("identity", 0.0):
        return True
    if weights.get("identity", 1.0 if others is None else others) > 0:
        return False
    raise NotAcceptable("Accept-Encoding must allow identity or gzip")


def _weights(accepted: str) -> dict[str, float]:
    """Return the weights of an ``Accept-Encoding`` header; malformed items are ignored."""
    weights: dict[str, float] = {}
    for item in accepted.split(","):
        found = _ITEM.fullmatch(item)
        if found is None:
            continue
        try:
            weights[found[1]] = 1.0 if found[2] is None else float(found[2])
        except ValueError:
            continue
    return weights
