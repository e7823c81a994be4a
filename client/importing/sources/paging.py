"""Where the next page of a source is: one strategy for each form of paging in a mapping.

Without a form, the ``Link`` header is followed (RFC 8288). ``next`` names a member of the answer,
with ``next_parameter`` a token; ``page_parameter`` numbers pages, ``offset_parameter`` counts rows.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.source_keys import NO_PAGING
from client.importing.sources.members import find_member
from client.importing.sources.request import PageRequest
from client.importing.sources.totals import total_pages
from client.link_header import next_link

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://|\.{0,2}/|\?", re.IGNORECASE)
"""How a URL or a relative reference begins."""
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)


class Page(NamedTuple):
    """A page that was read to its end."""

    request: PageRequest = PageRequest("")
    """Without a URL: of a file or stream."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Of the response, names in lower case."""
    envelope: Mapping[str, Any] = MappingProxyType({})
    """The members around the rows."""
    number: int = 1
    """How many pages were read."""
    rows: int = 0
    """Rows of this page."""
    position: int = 0
    """Rows of all pages up to this one."""

    @property
    def is_file(self) -> bool:
        """Whether the source is a file or stream, which has no other pages."""
        return not self.request.url


class Paging:
    """Follows the ``Link`` header; the base of all strategies."""

    is_configured = False
    """Whether the mapping says where the next page is."""
    compares_pages = False
    """Whether a page that repeats the last one is an error: the source ignored our parameter."""
    ends_by_rows = False
    """Whether a page without rows is the end, and the last one may be beyond the end."""

    def first(self, request: PageRequest) -> PageRequest:
        """Return the request of the first page."""
        return request

    def next(self, page: Page) -> PageRequest | None:
        """Return the request of the page after this one, or None after the last.

        Raises:
            SourceError: The source names a next page that cannot be requested.
        """
        try:
            target = next_link(page.headers.get("link", ""))
        except ValueError as error:
            raise SourceError(
                f"The Link header of page {page.number} cannot be followed: {error}."
            ) from error
        return None if target is None else page.request.follow(target)


class SinglePage(Paging):
    """Reads one answer only."""

    is_configured = True

    def next(self, page: Page) -> None:
        """Return None."""
        del page


class NextMember(Paging):
    """Follows the URL in a member of the answer, or else the ``Link`` header.

    Args:
        path: The member's.
    """

    is_configured = True

    def __init__(self, path: str) -> None:
        self._path = path

    def next(self, page: Page) -> PageRequest | None:
        """Return the request of the URL that the member names."""
        value = self._value(page)
        if value is None:
            return super().next(page)
        if not isinstance(value, str) or not looks_like_url(value):
            raise SourceError(
                f"{self._path!r} of page {page.number} is not a URL. If it is a token, name the"
                " parameter it is sent as: next_parameter in the mapping."
            )
        return page.request.follow(value)

    def _value(self, page: Page) -> str | int | None:
        """Return the member's value, or a response header's; None if it is null, empty or absent.

        Raises:
            SourceError: It is neither a string nor an integer.
        """
        value = find_member(page.envelope, self._path)
        if value is None:
            value = page.headers.get(self._path.lower())
        if isinstance(value, Mapping) and isinstance(value.get("href"), str):
            value = value["href"]
        if value is None or value is False or value in ("", {}):
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise SourceError(
                f"{self._path!r} of page {page.number} is neither a URL nor a token: next in the"
                " mapping must name the member that has one."
            )
        return value


class NextToken(NextMember):
    """Sends the token in a member of the answer as a parameter of the first request.

    Args:
        path: The member's.
        parameter: The parameter's name.
    """

    compares_pages = True

    def __init__(self, path: str, parameter: str) -> None:
        super().__init__(path)
        self._parameter = parameter

    def next(self, page: Page) -> PageRequest | None:
        """Return the request with the token, or else of the ``Link`` header."""
        value = self._value(page)
        if value is None:
            return Paging.next(self, page)
        try:
            return page.request.with_parameter(self._parameter, value)
        except UnicodeEncodeError as error:
            raise SourceError(
                f"{self._path!r} of page {page.number} has characters that cannot be sent."
            ) from error


class PageNumber(Paging):
    """Numbers pages, from 1 or from the number in the first request, until one has no rows.

    Args:
        parameter: The parameter of the number.
    """

    is_configured = True
    compares_pages = True
    ends_by_rows = True
    _start = 1

    def __init__(self, parameter: str) -> None:
        self._parameter = parameter

    def first(self, request: PageRequest) -> PageRequest:
        """Return the request with the first number."""
        return request.with_parameter(self._parameter, self._number(request, self._start))

    def next(self, page: Page) -> PageRequest | None:
        """Return the request with the next number."""
        pages = total_pages(page.headers, page.envelope)
        if not page.rows or (pages is not None and page.number >= pages):
            return None
        number = self._number(page.request, self._start)
        return page.request.with_parameter(self._parameter, number + 1)

    def _number(self, request: PageRequest, default: int) -> int:
        value = request.parameter(self._parameter)
        if value is None or value == "":
            return default
        if not _NUMBER.fullmatch(value):
            raise SourceError(
                f"The parameter {self._parameter!r} of the source must be an integer, from which"
                " its pages are counted."
            )
        return int(value)


class RowOffset(PageNumber):
    """Sends the number of rows read so far, until a page has no rows.

    Args:
        parameter: The parameter of the number.
    """

    _start = 0

    def next(self, page: Page) -> PageRequest | None:
        """Return the request of the rows after this page's."""
        number = self._number(page.request, self._start)
        following = page.request.with_parameter(self._parameter, number + page.rows)
        return following if page.rows else None


def create_paging(mapping: FieldMapping) -> Paging:
    """Return the strategy that a mapping describes."""
    if mapping.next == NO_PAGING:
        return SinglePage()
    if mapping.next_parameter:
        return NextToken(mapping.next, mapping.next_parameter)
    if mapping.next:
        return NextMember(mapping.next)
    if mapping.page_parameter:
        return PageNumber(mapping.page_parameter)
    if mapping.offset_parameter:
        return RowOffset(mapping.offset_parameter)
    return Paging()


def looks_like_url(value: str) -> bool:
    """Return whether a string is a URL or a relative reference, rather than a token."""
    return bool(_URL.match(value.strip())) or ("/" in value and "?" in value)
