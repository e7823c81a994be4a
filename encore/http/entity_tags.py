"""Entity tags and HTTP dates: the values of ``If-Match``, ``If-None-Match`` and their relatives.

Parsing and comparison only (RFC 9110, sections 5.6.7, 8.8.3 and 13.1); what a failed precondition
means is decided by ``encore.execution.preconditions``. The tag of a row is
``"<row version>.<representation>"``: the part before the first dot changes with every write of the
stored row, the rest with everything else that a response depends on.
"""

import re
from calendar import timegm
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Final, NamedTuple

from starlette.types import Scope

from encore.errors import BadRequest
from encore.http.short_input_cache import cache_short_inputs

IF_MATCH: Final = b"if-match"
IF_NONE_MATCH: Final = b"if-none-match"
IF_MODIFIED_SINCE: Final = b"if-modified-since"
IF_UNMODIFIED_SINCE: Final = b"if-unmodified-since"
IF_RANGE: Final = b"if-range"

_NAMES: Final = {
    name: "-".join(word.capitalize() for word in name.decode().split("-"))
    for name in (IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE)
}
_ITEM: Final = re.compile(r'[ \t]*(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(?:,|$)')
_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
_CLOCK: Final = r"(\d\d):(\d\d):(\d\d)"
_IMF_FIXDATE: Final = re.compile(
    rf"[A-Z][a-z]{{2}}, (\d\d) ([A-Z][a-z]{{2}}) (\d{{4}}) {_CLOCK} GMT"
)
_RFC850: Final = re.compile(rf"[A-Z][a-z]{{5,8}}, (\d\d)-([A-Z][a-z]{{2}})-(\d\d) {_CLOCK} GMT")
_ASCTIME: Final = re.compile(rf"[A-Z][a-z]{{2}} ([A-Z][a-z]{{2}}) ([ \d]\d) {_CLOCK} (\d{{4}})")
_LEAP_SECOND: Final = 60
_CENTURY: Final = 100
_HALF_CENTURY: Final = 50
_CACHE_SIZE: Final = 256


class EntityTag(NamedTuple):
    """An entity tag (RFC 9110, section 8.8.3).

    Attributes:
        opaque: The text between the quotation marks.
        weak: Whether it has the prefix ``W/``.
    """

    opaque: str
    weak: bool = False

    @property
    def row_version(self) -> str:
        """The part before the first dot: the version of the stored row."""
        return self.opaque.partition(".")[0]

    def matches_strongly(self, other: "EntityTag") -> bool:
        """Return whether two tags are equal, and neither is weak (section 8.8.3.2)."""
        return not self.weak and not other.weak and self.opaque == other.opaque

    def matches_weakly(self, other: "EntityTag") -> bool:
        """Return whether two tags are equal, weak or not (section 8.8.3.2)."""
        return self.opaque == other.opaque

    def __str__(self) -> str:
        """Return the tag as it is sent."""
        return f'W/"{self.opaque}"' if self.weak else f'"{self.opaque}"'


class EntityTags(NamedTuple):
    """The value of ``If-Match`` or ``If-None-Match``.

    Attributes:
        tags: The listed tags, at least one; empty for ``*``.
        any: Whether it is ``*``, which every existing representation matches.
    """

    tags: tuple[EntityTag, ...]
    any: bool = False

    def include(self, tag: EntityTag) -> bool:
        """Return whether a representation's tag is listed, for ``If-None-Match``: weakly."""
        return self.any or any(tag.matches_weakly(listed) for listed in self.tags)

    def include_row(self, row_version: str) -> bool:
        """Return whether a strong tag of this row version is listed, for ``If-Match``."""
        return self.any or any(
            not listed.weak and listed.row_version == row_version for listed in self.tags
        )


ANY: Final = EntityTags((), any=True)
"""``*``."""


def parse_entity_tags(scope: Scope, name: bytes) -> EntityTags | None:
    """Return the tags that a request lists in ``If-Match`` or ``If-None-Match``.

    Several header lines are one list (RFC 9110, section 5.3).

    Args:
        scope: The request.
        name: ``IF_MATCH`` or ``IF_NONE_MATCH``.

    Returns:
        The tags; None without the header.

    Raises:
        BadRequest: The header is malformed, or lists nothing; ``errors`` names it.
    """
    values = [value for header, value in scope["headers"] if header == name]
    if not values:
        return None
    parsed = _parse_tags(values[0] if len(values) == 1 else b",".join(values))
    if parsed is None:
        raise malformed_header(name, 'must be * or a list of entity tags such as "3.x"')
    return parsed


@cache_short_inputs(_CACHE_SIZE)
def _parse_tags(value: bytes) -> EntityTags | None:
    text = value.decode("latin-1").strip(" \t")
    if text == "*":
        return ANY
    tags, position = [], 0
    while position < len(text):
        item = _ITEM.match(text, position)
        if item is None:
            return None
        if item[2] is not None:
            tags.append(EntityTag(item[2], item[1] is not None))
        position = item.end()
    return EntityTags(tuple(tags)) if tags else None


def parse_http_date(scope: Scope, name: bytes) -> int | None:
    """Return the date in a header, in seconds since 1970; None without the header.

    Raises:
        ValueError: The value is not an HTTP date, or there are several.
    """
    values = [value for header, value in scope["headers"] if header == name]
    if not values:
        return None
    seconds = http_date_seconds(b",".join(values))
    if seconds is None:
        raise ValueError(f"{header_name(name)} must be one HTTP date")
    return seconds


@cache_short_inputs(_CACHE_SIZE)
def http_date_seconds(value: bytes) -> int | None:
    """Parse an HTTP date in any of the three forms (RFC 9110, section 5.6.7); None if invalid."""
    text = value.decode("latin-1").strip(" \t")
    if match := _IMF_FIXDATE.fullmatch(text):
        day, month, year, *clock = match.groups()
    elif match := _RFC850.fullmatch(text):
        day, month, year, *clock = match.groups()
        year = str(_full_year(int(year)))
    elif match := _ASCTIME.fullmatch(text):
        month, day, *clock, year = match.groups()
    else:
        return None
    return _seconds(int(year), month, int(day), [int(number) for number in clock])


def _full_year(year: int) -> int:
    """Return the year of two digits: the most recent past one if it is over 50 years ahead."""
    this_year = datetime.now(UTC).year
    full = this_year - this_year % _CENTURY + year
    return full - _CENTURY if full > this_year + _HALF_CENTURY else full


def _seconds(year: int, month: str, day: int, clock: Iterable[int]) -> int | None:
    hour, minute, second = clock
    try:
        # A leap second, 23:59:60, is the first second of the next minute.
        at = datetime(
            year, _MONTHS.index(month) + 1, day, hour, minute, second % _LEAP_SECOND, tzinfo=UTC
        )
    except ValueError:
        return None
    if second > _LEAP_SECOND:
        return None
    return timegm(at.timetuple()) + second // _LEAP_SECOND * _LEAP_SECOND


def format_http_date(seconds: int) -> str:
    """Format seconds since 1970 as an HTTP date: ``Sun, 06 Nov 1994 08:49:37 GMT``."""
    return formatdate(seconds, usegmt=True)


def header_name(name: bytes) -> str:
    """Return the name of a conditional header as it is usually written: ``If-Match``."""
    return _NAMES[name]


def malformed_header(name: bytes, problem: str) -> BadRequest:
    """Return the error of a malformed header; its ``errors`` names the header."""
    message = f"{header_name(name)} {problem}"
    return BadRequest(message, [{"field": header_name(name), "message": message}])
