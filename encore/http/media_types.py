"""Media types in headers: what a body is (``Content-Type``) and what may be answered (``Accept``).

RFC 9110, sections 8.3 and 12.5.1. Parameters that mean nothing here are ignored. A body is text in
UTF-8 or in ASCII; another charset is not read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from starlette.types import Scope

from encore.errors import BadRequest, NotAcceptable
from encore.http.short_input_cache import cache_short_inputs

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


@cache_short_inputs(_KEPT)
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


def get_content_type(scope: Scope) -> bytes | None:
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

    Raises:
        NotAcceptable: With the media types that there are.
    """
    if preferred_media_type(scope, produced) is None:
        raise not_acceptable(produced)


def not_acceptable(produced: tuple[str, ...]) -> NotAcceptable:
    """Return the error of a request that accepts none of these media types."""
    known = " or ".join(produced)
    return NotAcceptable(f"This operation answers with {known}, which Accept rules out")


def preferred_media_type(
    scope: Scope, produced: tuple[str, ...], named: tuple[str, ...] = ()
) -> str | None:
    """Return which of these media types a request prefers; None if it accepts none.

    Each has the weight of the most specific range that matches. The highest weight counts; of equal
    ones, the more specific range (``text/csv, */*`` asks for CSV), then the order given here.
    Without ``Accept``, and with one that cannot be read, everything is accepted.

    Args:
        scope: The request.
        produced: What may be answered, the default first.
        named: What may be answered as well to those who name it, with its parameters; no wildcard
            means it, nor a range that asks for another value of a parameter.
    """
    given = [value for name, value in scope["headers"] if name == b"accept"]
    if not given or given == [b"*/*"]:
        return produced[0]
    return _preferred(given[0] if len(given) == 1 else b",".join(given), produced, named)


@cache_short_inputs(_KEPT)
def _preferred(accept: bytes, produced: tuple[str, ...], named: tuple[str, ...]) -> str | None:
    ranges = list(_ranges(accept.decode("latin-1")))
    if not ranges:
        return produced[0]
    weights: dict[str, float] = {}
    for asked, weight in ranges:
        weights[asked.name] = max(weight, weights.get(asked.name, 0))
    for one in named:
        fitting = [weight for asked, weight in ranges if _means(asked, one)]
        if fitting:
            weights[one] = max(fitting)
    offered = (*produced, *(one for one in named if one in weights))
    best = max(offered, key=lambda media_type: _preference(weights, media_type))
    return best if _preference(weights, best)[0] > 0 else None


def _preference(weights: Mapping[str, float], media_type: str) -> tuple[float, int]:
    """Return a media type's weight, and how specific the range is that says it."""
    ranges = ("*/*", f"{media_type.partition('/')[0]}/*", media_type)
    named = [(weights[one], place) for place, one in enumerate(ranges) if one in weights]
    return named[-1] if named else (0.0, 0)


def _means(asked: MediaType, named: str) -> bool:
    """Return whether a range means a media type, and no other value of its parameters."""
    offered = parse_media_type(named.encode())
    if offered is None or asked.name != offered.name or not asked.is_utf8:
        return False
    others = {name: value.lower() for name, value in asked.parameters.items() if name != "charset"}
    return all(offered.parameters.get(name, value) == value for name, value in others.items())


def _ranges(accept: str) -> Iterator[tuple[MediaType, float]]:
    for item in _ITEM.findall(accept):
        parsed = parse_media_type(item.strip().encode("latin-1"))
        if parsed is not None:
            weight = parsed.parameters.get("q", "1")
            yield parsed, float(weight) if _WEIGHT.fullmatch(weight) else 1.0
        elif item.strip() == "*":  # Java's old clients mean */*.
            yield MediaType("*/*", {}), 1.0
