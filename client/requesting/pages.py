"""Pages of a list: where the next one is, and what is said about rows that are not shown."""

import gc
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

from client.link_header import next_link
from client.requesting.messages import Request, Response
from encore.client.errors import UnexpectedResponseError
from encore.client.urls import origin

_RANGE: Final = re.compile(r"(?!bytes )[!#$%&'*+.^_`|~0-9A-Za-z-]+ (\d+)-(\d+)/(\d+|\*)", re.ASCII)
_MAX_PAGES: Final = 1_000_000
_MAX_DIGITS: Final = 18


class ContentRange(NamedTuple):
    """Which rows of how many a page has."""

    first: int
    last: int
    total: int | None
    """None if the rows were not counted."""


def parse_content_range(header: str) -> ContentRange | None:
    """Return the values of ``items 0-99/133``, in any unit but bytes; None for other headers."""
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        return None
    first, last, total = match.groups()
    return ContentRange(int(first), int(last), None if total == "*" else int(total))


def describe_rest(response: Response, rows: int) -> str:
    """Return a line on rows that the list has beside those of the page; empty if it has none.

    Args:
        response: The response whose rows are shown.
        rows: How many they are, with those of the pages before it that were read.
    """
    found = parse_content_range(response.headers.get("content-range"))
    total = found.total if found else _parse_total(response)
    following = find_next(response, "")
    if following is None and not _lacks_link(response, found, rows):
        return ""
    shown = f"{rows} of {total} rows" if total is not None else f"{rows} rows, and there are more"
    if found is not None and found.first and total is not None:
        shown = f"Rows {found.first + 1} to {found.last + 1} of {total}"
    if following is None:
        return f"{shown}; the response does not say where the next page is."
    return f"{shown}; --all fetches all{' that follow' if found and found.first else ''}."


def _parse_total(response: Response) -> int | None:
    """Return how many rows a list has by ``X-Total-Count``, as json-server counts them."""
    raw = response.headers.get("x-total-count")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= _MAX_DIGITS else None


def _lacks_link(response: Response, found: ContentRange | None, rows: int) -> bool:
    """Return whether rows follow a page without a link to them."""
    if found is None:
        total = _parse_total(response)
        # With links it may be the last page, after rows that the caller has not counted.
        return total is not None and rows < total and not response.headers.get("link")
    if found.total is None:
        # The last page of a list whose rows are not counted links to the first one.
        return not response.headers.get("link")
    return found.last + 1 < found.total


def find_next(response: Response, url: str) -> str | None:
    """Return the URL of the next page, or None.

    Args:
        response: With the header ``Link``, if there is a next page.
        url: What it was requested from, which the link may be relative to.

    Raises:
        UnexpectedResponseError: The header is malformed.
    """
    try:
        target = next_link(response.headers.get("link"))
        return None if target is None else urljoin(url, target)
    except ValueError as error:
        raise UnexpectedResponseError(f"The header Link cannot be followed: {error}.") from error


def iterate_pages(
    request: Request,
    response: Response,
    parse_rows: Callable[[Response], list[Any]],
    send: Callable[[Request], Response],
) -> Iterator[list[Any]]:
    """Yield the rows of each page, from the first on; one page is in memory at a time.

    Args:
        request: That of the first page.
        response: The first page.
        parse_rows: Returns the rows of a page.
        send: Sends the request of another one.

    Raises:
        ClientError: A page cannot be read, is of another origin, or was read before.
    """
    gc.enable()  # See client.__main__.
    seen, read = {hash(request.url)}, 0
    for _ in range(_MAX_PAGES):
        rows = parse_rows(response)
        yield rows
        read += len(rows)
        url = find_next(response, request.url)
        if url is None:
            rest = describe_rest(response, read)
            if rest:
                raise UnexpectedResponseError(f"The list is incomplete: {rest}")
            return
        if origin(url) != origin(request.url):
            raise UnexpectedResponseError(
                f"The next page is at {origin(url)}: the token is only sent to"
                f" {origin(request.url)}. The list is incomplete."
            )
        if hash(url) in seen:
            raise UnexpectedResponseError("The pages repeat: the list does not end.")
        seen.add(hash(url))
        request = request._replace(url=url)
        response = send(request)
    raise UnexpectedResponseError(f"The list has more than {_MAX_PAGES} pages.")
