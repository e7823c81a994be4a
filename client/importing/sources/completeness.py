"""Raises if a source says that it has more rows than were read.

A total that is larger than the rows read, a next page that nothing leads to, a flag: any of them
ends the import, so that the first page is never taken for all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from client.errors import SourceError, SourceUnavailableError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.record import Element
from client.importing.sources.envelope import Member, normalize_name, walk_envelope
from client.importing.sources.members import find_member
from client.importing.sources.paging import Page, Paging, SinglePage, looks_like_url
from client.importing.sources.totals import named_counts, named_pages, named_rows

_NEXT_ANYWHERE: Final = frozenset(
    {"nextpage", "nextpagetoken", "nextlink", "nexturl", "nexthref", "nextcursor", "nexttoken",
     "nextpageurl", "odatanextlink", "nextbyoffset", "nextrecordsurl", "nextoffset", "nextuntil",
     "nextpagelink", "nextstart", "nextpageid", "nextbatch", "nextpagecursor", "nextkey",
     "nextmarker", "nextrownumber", "continuationtoken", "nextpagestart"}
)  # fmt: skip
_NEXT_BESIDE: Final = "next"
_CURSOR: Final = "cursor"
"""In the first answer, without a request for others: it leads to the next page."""
_MORE: Final = re.compile(
    "(?:has|have|is)?more|hasmore[a-z]+|has(?:next|after)[a-z]*|[a-z]*more"
    "(?:records|items[a-z]*|results|pages?|data|rows|entries|elements|available|objects)"
    "|(?:is)?truncated|incompleteresults|exceededtransferlimit"
)
_LAST: Final = frozenset({"islast", "islastpage", "lastpage"})
_LAST_BESIDE: Final = "last"
_NEXT_HEADER: Final = re.compile(
    r"x-(?:\w+-)*next(?:-[\w-]+)?|(?:x-)?(?:ms-)?continuation(?:-?token)?"
)
_MORE_HEADERS: Final = frozenset({"xhasmore", "xhasnext", "xhasnextpage", "xmore"})
_LAST_HEADERS: Final = frozenset({"lastpage", "xlastpage", "xislast", "xislastpage"})
_LIMITS: Final = frozenset(
    {"limit", "perpage", "pagesize", "size", "maxresults", "top", "take", "pagelimit",
     "resultsperpage", "maxrecords", "itemsperpage"}
)  # fmt: skip
"""Parameters of the most rows of one answer."""
_NOTHING: Final = frozenset({"", "0", "false", "null", "none", "-1"})

_BY_PARAMETER: Final = (
    'page_parameter = "NAME" if pages are numbered, offset_parameter = "NAME" if rows are counted'
)


class Sign(NamedTuple):
    """What says that there is more."""

    words: str
    advice: str
    """What to write in the mapping."""


def check_response(page: Page, mapping: FieldMapping, paging: Paging) -> None:
    """Raise if the headers of the first response name other pages that nothing leads to.

    Called before its rows are read, so that nothing is sent.

    Raises:
        SourceError: The message says what to write in the mapping.
    """
    if paging.is_configured or page.is_file or paging.next(page) is not None:
        return
    for sign in _signs_of_next_page(page, (), mapping):
        raise SourceError(
            f"The source has more than one page: {sign.words}. {_advise_mapping(sign)}"
        )


def check_complete(page: Page, mapping: FieldMapping, paging: Paging) -> None:
    """Raise if the last page that was read says that there are more rows.

    Args:
        page: The last page.
        mapping: Its ``rows`` says which objects are around the rows.
        paging: How pages were requested; if until one had no rows, only totals count.

    Raises:
        SourceError: The message says what to write in the mapping.
    """
    if isinstance(paging, SinglePage):
        return
    sign = _find_sign(page, mapping, paging)
    if sign is None:
        return
    rows = f"{page.position} row{'' if page.position == 1 else 's'}"
    if page.is_file:
        raise SourceError(
            f"The source has more than the {rows} in it: {sign.words}. Export all pages, or import"
            ' from the URL. If these rows are all that is meant, write next = "none" in the'
            " mapping."
        )
    pages = "" if page.number == 1 else f" of {page.number} pages"
    raise SourceError(
        f"The source has more than the {rows}{pages} that were read: {sign.words}."
        f" {_advise_mapping(sign)}"
    )


def has_all_rows(page: Page, mapping: FieldMapping) -> bool:
    """Return whether a total says that no row comes after a page."""
    return any(total == page.position for _, total in _named_totals(page, mapping))


def check_unchanged(page: Page, before: Page, mapping: FieldMapping) -> None:
    """Raise if rows were removed from the source after the page before was requested.

    With fewer rows before it, the page begins after rows that were on no page.

    Raises:
        SourceUnavailableError: A total is smaller than that of the page before.
    """
    earlier = dict(_named_totals(before, mapping))
    for name, total in _named_totals(page, mapping):
        if total < earlier.get(name, 0):
            raise SourceUnavailableError(
                f"The source changed while its pages were read: {name} was {earlier[name]} on page"
                f" {before.number}, and is {total} on page {page.number}, so rows may be missing."
            )


def _named_totals(page: Page, mapping: FieldMapping) -> list[tuple[str, int]]:
    return list(named_rows(page.headers, walk_envelope(page.envelope, mapping.rows)))


def _find_sign(page: Page, mapping: FieldMapping, paging: Paging) -> Sign | None:
    members = list(walk_envelope(page.envelope, mapping.rows))
    totals = list(named_rows(page.headers, members))
    counts = [] if totals else list(named_counts(members))
    for name, total in (*totals, *counts):
        if total > page.position:
            return Sign(f"{name} is {total}", _BY_PARAMETER)
    reached = any(total == page.position for _, total in totals)
    if reached if page.is_file else paging.ends_by_rows:
        # A next page may have been saved in a file although its total has been reached.
        return None
    sign = next(_signs_of_next_page(page, members, mapping), None)
    if sign is None and not (reached or paging.is_configured or _describes_pages(page, members)):
        return _sign_of_limit(page)
    return sign


def find_sign_in_element(element: Element, mapping: FieldMapping) -> Sign | None:
    """Return what says that an element around the rows has more of them than were in it."""
    if not any(True for _ in walk_envelope(element.members, mapping.rows)):
        return None
    page = Page(envelope=element.members, rows=element.rows, position=element.rows)
    return _find_sign(page, replace(mapping, next=""), Paging())


def _describes_pages(page: Page, members: Sequence[Member]) -> bool:
    """Return whether an answer says anything about other pages: that there are none."""
    return (
        "link" in page.headers
        or any(_NEXT_HEADER.fullmatch(name) for name in page.headers)
        or any(normalize_name(name) in _MORE_HEADERS | _LAST_HEADERS for name in page.headers)
        or any(True for _ in named_pages(page.headers, members))
        or any(
            member.key in _NEXT_ANYWHERE | _LAST | {_NEXT_BESIDE, _LAST_BESIDE}
            or _MORE.fullmatch(member.key)
            for member in members
        )
    )


def _sign_of_limit(page: Page) -> Sign | None:
    """Return a sign if the request has a limit, and as many rows came as it allows."""
    for name, value in page.request.parameters():
        if normalize_name(name) in _LIMITS and value == str(page.rows):
            return Sign(
                f"{name} = {value} of the request allows exactly as many, and nothing says that"
                " there are no others",
                _BY_PARAMETER,
            )
    return None


def _signs_of_next_page(
    page: Page, members: Sequence[Member], mapping: FieldMapping
) -> Iterator[Sign]:
    if mapping.next and find_member(page.envelope, mapping.next):
        yield Sign(f"{mapping.next} names a next page", _BY_PARAMETER)
    yield from _signs_in_headers(page.headers)
    for name, pages in named_pages(page.headers, members):
        if pages > page.number:
            yield Sign(f"{name} is {pages}", _BY_PARAMETER)
    nexts = {_NEXT_BESIDE} if mapping.next or page.number > 1 else {_NEXT_BESIDE, _CURSOR}
    for path, key, value, beside in members:
        if key in _NEXT_ANYWHERE or (key in nexts and beside):
            if str(value).strip().lower() not in _NOTHING:
                yield Sign(f"{path} names a next page", _advise(path, value))
        elif _is_true(value) and _MORE.fullmatch(key) and (beside or key != "more"):
            yield Sign(f"{path} is true", _BY_PARAMETER)
        elif value is False and (key in _LAST or (key == _LAST_BESIDE and beside)):
            yield Sign(f"{path} is false", _BY_PARAMETER)


def _is_true(value: object) -> bool:
    return value in (True, 1) or (isinstance(value, str) and value.lower() in {"true", "1"})


def _signs_in_headers(headers: Mapping[str, str]) -> Iterator[Sign]:
    for name, value in headers.items():
        shown, word = name.title(), value.strip().lower()
        if _NEXT_HEADER.fullmatch(name) and word not in _NOTHING:
            yield Sign(
                f"{shown} names a next page", f'next = "{shown}" and next_parameter = "NAME"'
            )
        elif (normalize_name(name) in _MORE_HEADERS and word in {"true", "1"}) or (
            normalize_name(name) in _LAST_HEADERS and word in {"false", "0"}
        ):
            yield Sign(f"{shown} is {word}", _BY_PARAMETER)


def _advise_mapping(sign: Sign) -> str:
    return (
        f"Write in the mapping where the rest is: {sign.advice}. If these rows are all that is"
        ' meant, write next = "none".'
    )


def _advise(path: str, value: object) -> str:
    if isinstance(value, str) and looks_like_url(value):
        return f'next = "{path}"'
    return f'next = "{path}" and next_parameter = "NAME", the name of the parameter it is sent as'
