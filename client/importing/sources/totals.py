"""How many rows and pages a source says it has: in response headers, and around the rows.

Names are compared without case and punctuation. The names are those of Kimai, GitLab, WordPress,
Laravel, Spring, Django REST framework, OData, HAL, Redmine, Jira, Clockify and others.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from client.importing.sources.envelope import Member, normalize_name, walk_envelope

_ROW_HEADERS: Final = frozenset(
    {"xtotal", "xtotalcount", "xwptotal", "xpaginationtotalcount", "totalcount"}
)
_PAGE_HEADERS: Final = frozenset(
    {"xtotalpages", "xwptotalpages", "xpaginationpagecount", "xpagecount", "xlastpage"}
)
_ROWS_ANYWHERE: Final = re.compile(
    "(?:odata)?total(?:number(?:of)?|num|of)?"
    "(?:count|results?|elements|items|entries|records|rows|size|hits)"
    "|totalnumber|recordstotal|odatacount|entriescount|numfound"
)
_ROWS_BESIDE: Final = "total"
"""Only around the rows or in an object about pages: elsewhere it may be a sum of hours."""
_PAGES_ANYWHERE: Final = frozenset(
    {"totalpages", "totalpage", "pagecount", "numpages", "nbpages", "lastpage"}
)
_COUNTS: Final = frozenset(
    {"count", "itemcount", "itemscount", "numresults", "resultcount", "resultscount", "rowcount",
     "recordcount"}
)  # fmt: skip
_PAGES_BESIDE: Final = "pages"
_CONTENT_RANGE: Final = re.compile(r"(?:[a-z_-]+ )?(?:\d+-\d+|\*)/(\d+)", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d{1,15}", re.ASCII)


def total_pages(headers: Mapping[str, str], envelope: Mapping[str, Any]) -> int | None:
    """Return how many pages an answer says there are, or None."""
    return next((number for _, number in named_pages(headers, walk_envelope(envelope, ""))), None)


def named_pages(headers: Mapping[str, str], members: Iterable[Member]) -> Iterator[tuple[str, int]]:
    """Yield each number of pages that an answer names, preceded by the name."""
    yield from _in_headers(headers, _PAGE_HEADERS)
    for member in members:
        if member.key in _PAGES_ANYWHERE or (member.key == _PAGES_BESIDE and member.beside):
            yield from _named_number(member)


def named_rows(headers: Mapping[str, str], members: Iterable[Member]) -> Iterator[tuple[str, int]]:
    """Yield each number of rows in all pages that an answer names, preceded by the name."""
    yield from _in_headers(headers, _ROW_HEADERS)
    content_range = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if content_range:
        yield "Content-Range", int(content_range[1])
    for member in members:
        if _ROWS_ANYWHERE.fullmatch(member.key) or (member.key == _ROWS_BESIDE and member.beside):
            yield from _named_number(member)


def named_counts(members: Iterable[Member]) -> Iterator[tuple[str, int]]:
    """Yield each ``count`` or the like: of all pages in some systems, of one page in others."""
    for member in members:
        if member.key in _COUNTS and member.beside:
            yield from _named_number(member)


def _in_headers(headers: Mapping[str, str], keys: frozenset[str]) -> Iterator[tuple[str, int]]:
    for name, value in headers.items():
        if normalize_name(name) in keys and _DIGITS.fullmatch(value.strip()):
            yield name.title(), int(value.strip())


def _named_number(member: Member) -> Iterator[tuple[str, int]]:
    value = member.value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        yield member.path, value
