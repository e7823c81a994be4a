"""Pages of a list: their rows, totals, and the way to the next one."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar, overload
from urllib.parse import urljoin

from encore.client.errors import UnexpectedResponseError
from encore.client.requests import Request
from encore.client.responses import parse_success

if TYPE_CHECKING:
    import httpx

RowT = TypeVar("RowT")

_RANGE: Final = re.compile(r"items (?:(\d+)-(\d+)|\*)/(\d+|\*)", re.ASCII)
_LINK: Final = re.compile(r'<([^>]*)>\s*((?:;\s*[^,;="]+(?:="[^"]*"|=[^,;"]*)?\s*)*)')
_RELATION: Final = re.compile(r';\s*rel\s*=\s*"?([^";,]*)"?', re.IGNORECASE)


class ContentRange(NamedTuple):
    """Which rows a page has, of how many.

    Attributes:
        first: The position of the first row in the list, from 0; None without rows.
        total: How many rows the list has; None if they were not counted.
        is_last: Whether no rows come after it; None if that is unknown.
    """

    first: int | None
    total: int | None
    is_last: bool | None


class PageData(Sequence[RowT], Generic[RowT]):
    """The rows of one page of a list, in order.

    Attributes:
        rows: The rows.
        total: How many rows the whole list has; None if they were not counted.
        first: The position of the first row in the list, from 0; None without rows.
        etag: The page's entity tag; empty if it has none.
        links: The URLs of other pages by ``next``, ``prev`` and ``first``.
        headers: The headers of the response.
    """

    def __init__(self, response: "httpx.Response", request: Request) -> None:
        self._request = request
        rows = parse_success(response)
        if not isinstance(rows, list):
            raise UnexpectedResponseError(
                "The API responded with something other than a list of rows."
            )
        is_estimate = "count=estimated" in response.headers.get("preference-applied", "")
        content_range = _parse_range(
            response.headers.get("content-range", ""), is_estimate=is_estimate
        )
        self.rows: list[RowT] = rows
        self.headers = response.headers
        self.etag: str = response.headers.get("etag", "")
        self.links = parse_links(response)
        self.first = content_range.first
        self.total = content_range.total
        self._is_last = content_range.is_last

    @property
    def has_next(self) -> bool:
        """Whether there are more rows after this page."""
        if "next" in self.links:
            return True
        # A page whose rows were not counted has a link at least to the first page.
        return self._is_last is False and (self.total is not None or not self.links)

    def next_request(self) -> Request:
        """Return the request of the next page.

        Raises:
            UnexpectedResponseError: There are more rows, but the API links to none of them.
        """
        url = self.links.get("next")
        if url is None:
            raise UnexpectedResponseError(
                "The list has more rows than this page, but the API links to no next page: a hook"
                " chose the page, or the link would be too long. Read it with offset and count."
            )
        if url == self._request.url:
            raise UnexpectedResponseError("The API links to the same page as the next one.")
        headers = {n: v for n, v in self._request.headers.items() if n != "If-None-Match"}
        return self._request._replace(url=url, query=(), headers=headers)

    def check_progress(self, seen: set[int]) -> None:
        """Raise ``UnexpectedResponseError`` if pages repeat, which would never end.

        Args:
            seen: Hashes of the links that were followed before; that of this page is added.
        """
        url = self.links.get("next")
        # next_request says it of a page that links to itself.
        if url is not None and hash(url) in seen and url != self._request.url:
            raise UnexpectedResponseError("The pages repeat: the list does not end.")
        seen.add(hash(url))

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> RowT: ...

    @overload
    def __getitem__(self, index: slice) -> list[RowT]: ...

    def __getitem__(self, index: int | slice) -> RowT | list[RowT]:
        return self.rows[index]

    def __eq__(self, other: object) -> bool:
        return self.rows == (other.rows if isinstance(other, PageData) else other)

    __hash__ = None  # type: ignore[assignment] # as a list

    def __repr__(self) -> str:
        more = ", has_next" if self.has_next else ""
        total = "?" if self.total is None else self.total
        return f"<{type(self).__name__}: {len(self)} of {total} rows{more}>"


def parse_links(response: "httpx.Response") -> dict[str, str]:
    """Return the absolute URLs of the header Link by relation (RFC 8288).

    Raises:
        UnexpectedResponseError: A target is no URL.
    """
    url, header = str(response.request.url), response.headers.get("link", "")
    try:
        return _parse_links(url, header)
    except ValueError as error:  # Of a target that is no URL.
        raise UnexpectedResponseError(f"The header Link cannot be followed: {error}.") from error


def _parse_links(url: str, header: str) -> dict[str, str]:
    links: dict[str, str] = {}
    for target, parameters in _LINK.findall(header):
        relation = _RELATION.search(parameters)
        for name in relation[1].lower().split() if relation else ():
            links.setdefault(name, urljoin(url, target))
    return links


def _parse_range(header: str, *, is_estimate: bool) -> ContentRange:
    """Return the values of Content-Range: ``items 0-19/53``, ``items */53``, ``items 0-19/*``.

    Finale's range of an empty list, ``items 0-0/0``, has no first row; a page after the last row
    has none either. Without the header all that is known is the page.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        return ContentRange(None, None, None)
    total = None if match[3] == "*" else int(match[3])
    if match[1] is None or total == 0 or int(match[2]) < int(match[1]):
        return ContentRange(None, total, is_last=True)
    first, last = int(match[1]), int(match[2])
    if is_estimate:
        return ContentRange(first, total, is_last=None)
    # A page that ends the list reveals the total, even if rows are not counted.
    return ContentRange(first, total, is_last=total is not None and last + 1 >= total)
