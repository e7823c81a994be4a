"""Content codings of responses (RFC 9110, section 12.5.3): gzip, or none.

Only long responses are coded, and piece by piece, as they are made.
"""

import re
import zlib
from typing import Final

from starlette.types import Scope

from encore.errors import NotAcceptable

LEVEL: Final = 1
"""zlib's. An export of a table is a tenth smaller at 6, and takes three times as long."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_ITEM: Final = re.compile(r"\s*([!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?")


class GzipEncoder:
    """Compresses one body, which may come in any number of pieces."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)

    def compress(self, data: bytes) -> bytes:
        """Return what there is of the coded body after another piece; perhaps nothing."""
        return self._stream.compress(data)

    def finish(self) -> bytes:
        """Return the rest of the coded body."""
        return self._stream.flush()


def accepts_gzip(scope: Scope) -> bool:
    """Return whether a response is to be coded by gzip; else it is sent as it is.

    Raises:
        NotAcceptable: ``Accept-Encoding`` rules out both.
    """
    given = [value for name, value in scope["headers"] if name == b"accept-encoding"]
    if not given:
        return False
    weights = _weights(b",".join(given).decode("latin-1").lower())
    others = weights.get("*")
    gzip = weights.get("gzip", weights.get("x-gzip", others or 0.0))
    if gzip > 0 and gzip >= weights.get("identity", 0.0):
        return True
    if weights.get("identity", 1.0 if others is None else others) > 0:
        return False
    raise NotAcceptable("This is sent as it is or by gzip, both of which Accept-Encoding rules out")


def _weights(accepted: str) -> dict[str, float]:
    """Return the weights of an ``Accept-Encoding`` header; what is malformed is left out."""
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
