"""Links to the pages beside one (RFC 8288): ``next``, ``prev`` and ``first``.

They are in the style that the page was asked for in: ``page`` or ``offset`` where that was given,
or else cursors. They are relative to the host, as ``Location`` is, and repeat the request's
parameters. A link that its receiver might not read, for its length, is left out.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from starlette._utils import get_route_path
from starlette.types import Scope

from encore.http.short_input_cache import cache_short_inputs
from encore.query.filters import Pagination
from encore.query.page_parameters import MAX_OFFSET, OFFSET, PAGE

MAX_BYTES: Final = 4_096
"""The longest value of a Link header: common clients and proxies read lines of 8 KB."""

_CACHED: Final = 256
_SAFE: Final = "!$&'()*+,:=@/"
"""What stands in a path as it is. Not ``;``: clients take it for the end of the link's target."""

PageLink = tuple[str, str]
"""A relation type, and the query that leads there, ``?`` included."""


def link_header(scope: Scope, links: Iterable[PageLink]) -> bytes | None:
    """Return the value of ``Link``; None where there is nothing to say, or too much."""
    path = _path(scope)
    value = ", ".join([f'<{path}{query}>; rel="{name}"' for name, query in links]).encode()
    return value if 0 < len(value) <= MAX_BYTES else None


def numbered_links(
    pagination: Pagination, offset: int, count: int, *, more: bool
) -> Iterator[PageLink]:
    """Yield the links of a page that ``offset`` or ``page`` numbers.

    Args:
        pagination: How the list is paginated.
        offset: How many rows come before the page.
        count: The page's size.
        more: Whether rows follow.
    """
    by_page = pagination.style == PAGE
    name, here, step = (PAGE, pagination.page, 1) if by_page else (OFFSET, offset, count)
    prefix = f"?{pagination.query}{name}="
    if more and step and here + step <= MAX_OFFSET:
        yield "next", f"{prefix}{here + step}"
    if here > 0:
        yield "prev", f"{prefix}{max(0, here - step)}"
        yield "first", f"{prefix}0"


def _path(scope: Scope) -> str:
    """Return the path of the request as its caller has it, percent-encoded."""
    raw: bytes | None = scope.get("raw_path")
    path = _encoded(raw or quote(scope["path"], safe=_SAFE).encode())
    root: str = scope.get("root_path", "")
    if root and get_route_path(scope) == scope["path"]:  # A proxy in front has cut it off.
        return quote(root, safe=_SAFE) + path
    return path


@cache_short_inputs(_CACHED)
def _encoded(raw: bytes) -> str:
    return quote(raw.partition(b"?")[0], safe=_SAFE + "%")
