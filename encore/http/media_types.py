"""Media types: of a request's body (``Content-Type``) and of its response (``Accept``).

RFC 9110, sections 8.3 and 12.5.1. Unknown parameters are ignored. Bodies are UTF-8 or ASCII; other
charsets are unsupported.
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
_CACHE_SIZE: Final = 256
_WEIGHT: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


class MediaType(NamedTuple):
    """A media type in lower case with its parameters, whose names are in lower case."""

    name: str
    parameters: dict[str, str]

    @property
    def is_utf8(self) -> bool:
        """Whether its charset is UTF-8 or ASCII, which is the default."""
        return self.parameters.get("charset", "utf-8").lower() in _CHARSETS


@cache_short_inputs(_CACHE_SIZE)
def parse_media_type(value: bytes) -> MediaType | None:
    """Parse a media type; None if it is malformed."""
    text = value.decode("latin-1")
    type_ = _TYPE.match(text)
    if type_ is None:
        return None
    parameters: dict[str, str] = {}
    position = type_.end()
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None or match.end() == position:
            break
        position = match.end()
        if match[1]:
            parameters.setdefault(match[1].lower(), match[3] if match[2] is None else match[2])
    return MediaType(type_[1].lower(), parameters)


def get_content_type(scope: Scope) -> bytes | None:
    """Return the ``Content-Type`` of a request; None without one.

    Raises:
        BadRequest: There are several different ones.
    """
    values = [value for name, value in scope["headers"] if name == b"content-type"]
    if len(values) > 1 and len(set(values)) > 1:
        raise BadRequest("Content-Type must not be given twice with different values")
    return values[0] if values else None


def check_accept(scope: Scope, produced: tuple[str, ...]) -> None:
    """Reject a request that accepts none of these media types.

    Raises:
        NotAcceptable: The message lists the available media types.
    """
    if preferred_media_type(scope, produced) is None:
        raise not_acceptable(produced)


def not_acceptable(produced: tuple[str, ...]) -> NotAcceptable:
    """Return the error of a request that accepts none of these media types."""
    available = " or ".join(produced)
    return NotAcceptable(f"This operation produces {available}, which Accept does not allow")


def preferred_media_type(
    scope: Scope, produced: tuple[str, ...], named: tuple[str, ...] = ()
) -> str | None:
    """Return which of these media types a request prefers; None if it accepts none.

    Each has the weight of the most specific range that matches. The highest weight wins; of equal
    ones, the more specific range (``text/csv, */*`` asks for CSV), then the order given here.
    Without ``Accept``, or with a malformed one, everything is accepted.

    Args:
        scope: The request.
        produced: The available media types, the default first.
        named: Media types that are only used if ``Accept`` names them, with their parameters; a
            wildcard does not match them, nor a range with another value of a parameter.
    """
    values = [value for name, value in scope["headers"] if name == b"accept"]
    if not values or values == [b"*/*"]:
        return produced[0]
    return _preferred(values[0] if len(values) == 1 else b",".join(values), produced, named)


@cache_short_inputs(_CACHE_SIZE)
def _preferred(accept: bytes, produced: tuple[str, ...], named: tuple[str, ...]) -> str | None:
    ranges = list(_ranges(accept.decode("latin-1")))
    if not ranges:
        return produced[0]
    weights: dict[str, float] = {}
    for media_range, weight in ranges:
        weights[media_range.name] = max(weight, weights.get(media_range.name, 0))
    for media_type in named:
        matching = [weight for media_range, weight in ranges if _matches(media_range, media_type)]
        if matching:
            weights[media_type] = max(matching)
    available = (*produced, *(media_type for media_type in named if media_type in weights))
    best = max(available, key=lambda media_type: _preference(weights, media_type))
    return best if _preference(weights, best)[0] > 0 else None


def _preference(weights: Mapping[str, float], media_type: str) -> tuple[float, int]:
    """Return a media type's weight, and how specific its range is, from 0 to 2."""
    ranges = ("*/*", f"{media_type.partition('/')[0]}/*", media_type)
    matching = [(weights[name], rank) for rank, name in enumerate(ranges) if name in weights]
    return matching[-1] if matching else (0.0, 0)


def _matches(media_range: MediaType, media_type: str) -> bool:
    """Return whether a range names a media type, with no other value of its parameters."""
    parsed = parse_media_type(media_type.encode())
    if parsed is None or media_range.name != parsed.name or not media_range.is_utf8:
        return False
    return all(
        parsed.parameters.get(name, value.lower()) == value.lower()
        for name, value in media_range.parameters.items()
        if name != "charset"
    )


def _ranges(accept: str) -> Iterator[tuple[MediaType, float]]:
    for item in _ITEM.findall(accept):
        parsed = parse_media_type(item.strip().encode("latin-1"))
        if parsed is not None:
            weight = parsed.parameters.get("q", "1")
            yield parsed, float(weight) if _WEIGHT.fullmatch(weight) else 1.0
        elif item.strip() == "*":  # Old Java clients send it for */*.
            yield MediaType("*/*", {}), 1.0
