"""Media types in headers: what a body is (``Content-Type``) and what may be answered (``Accept``).

RFC 9110, sections 8.3 and 12.5.1. Parameters that mean nothing here are ignored. A body is text in
UTF-8 or in ASCII; another charset is not read.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from starlette.types import Scope

from api.errors import BadRequest, NotAcceptable

_CHARSETS: Final = ("utf-8", "utf8", "us-ascii", "ascii")
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TYPE: Final = re.compile(rf"\s*({_WORD}/{_WORD})\s*(?:;|$)")
_PARAMETER: Final = re.compile(
    rf'[;\s]*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))\s*(?:;|$)|[;\s]*[^;]*(?:;|$)'
)
_ITEM: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_KEPT: Final = 256
_WEIGHT: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


class MediaType(NamedTuple):
    """A media type in lower case, and its parameters; their names are in lower case."""

    name: str
    parameters: dict[str, str]

    @property
    def is_utf8(self) -> bool:
        """Whether it leaves its text in UTF-8."""
        return self.parameters.get("charset", "utf-8").lower() in _CHARSETS


@lru_cache(_KEPT)
def parse_media_type(value: bytes) -> MediaType | None:
    """Parse a media type; None if it is malformed."""
    text = value.decode("latin-1")
    found = _TYPE.match(text)
    if found is None:
        return None
    parameters: dict[str, str] = {}
    at = found.end()
    while at < len(text):
        one = _PARAMETER.match(text, at)
        if one is None or one.end() == at:
            break
        at = one.end()
        if one[1]:
            parameters.setdefault(one[1].lower(), one[3] if one[2] is None else one[2])
    return MediaType(found[1].lower(), parameters)


def content_type_of(scope: Scope) -> bytes | None:
    """Return the ``Content-Type`` of a request; None without one.

    Raises:
        BadRequest: There are several that differ.
    """
    given = [value for name, value in scope["headers"] if name == b"content-type"]
    if len(given) > 1 and len(set(given)) > 1:
        raise BadRequest("Content-Type is given twice, and differs")
    return given[0] if given else None


def check_accept(scope: Scope, produced: tuple[str, ...]) -> None:
    """Refuse a request that accepts none of these media types.

    Without ``Accept``, and with one that cannot be read, everything is accepted.

    Raises:
        NotAcceptable: With the media types that there are.
    """
    given = [value for name, value in scope["headers"] if name == b"accept"]
    if not given or given == [b"*/*"]:
        return
    if not _accepts(given[0] if len(given) == 1 else b",".join(given), produced):
        known = " or ".join(produced)
        raise NotAcceptable(f"This operation answers with {known}, which Accept rules out")


@lru_cache(_KEPT)
def _accepts(accept: bytes, produced: tuple[str, ...]) -> bool:
    """Return whether for one of them the most specific range that matches weighs above 0."""
    weights: dict[str, float] = {}
    for name, weight in _ranges(accept.decode("latin-1")):
        weights[name] = max(weight, weights.get(name, 0))
    if not weights:
        return True
    for media_type in produced:
        ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
        if next((weights[name] for name in ranges if name in weights), 0) > 0:
            return True
    return False


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for item in _ITEM.findall(accept):
        parsed = parse_media_type(item.strip().encode("latin-1"))
        if parsed is not None:
            weight = parsed.parameters.get("q", "1")
            yield parsed.name, float(weight) if _WEIGHT.fullmatch(weight) else 1.0
        elif item.strip() == "*":  # Java's old clients mean */*.
            yield "*/*", 1.0
