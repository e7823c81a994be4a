"""The ``Link`` header of a page (RFC 8288): ``next``, ``prev`` and ``first``.

Links have the parameter with which the page was selected, ``page`` or ``offset``, or else a cursor.
They are relative to the host, as ``Location`` is, and repeat the request's other parameters. A
header that is too long for common clients is left out.
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
"""The maximum length of a Link header: common clients and proxies read lines of 8 KB."""

_CACHED: Final = 256
_SAFE: Final = "!$&'()*+,:=@/"
"""Unescaped characters of a path. Not ``;``: some clients end the link's target there."""

PageLink = tuple[str, str]
"""A relation type, and the query string of the link, with its ``?``."""


def link_header(scope: Scope, links: Iterable[PageLink]) -> bytes | None:
    """Return the value of ``Link``; None if it would be empty or too long."""
    path = _path(scope)
    value = ", ".join([f'<{path}{query}>; rel="{name}"' for name, query in links]).encode()
    return value if 0 < len(value) <= MAX_BYTES else None


def numbered_links(
    pagination: Pagination, offset: int, count: int, *, more: bool
) -> Iterator[PageLink]:
    """Yield the links of a page that ``offset`` or ``page`` selects.

    Args:
        pagination: The pagination of the list.
        offset: How many rows come before the page.
        count: The size of the page.
        more: Whether rows follow.
    """
    by_page = pagination.style == PAGE
    name, current, step = (PAGE, pagination.page, 1) if by_page else (OFFSET, offset, count)
    prefix = f"?{pagination.query}{name}="
    if more and step and current + step <= MAX_OFFSET:
        yield "next", f"{prefix}{current + step}"
    if current > 0:
        yield "prev", f"{prefix}{max(0, current - step)}"
        yield "first", f"{prefix}0"


def _path(scope: Scope) -> str:
    """Return the path that the client requested, percent-encoded."""
    raw: bytes | None = scope.get("raw_path")
    path = _encoded(raw or quote(scope["path"], safe=_SAFE).encode())
    root: str = scope.get("root_path", "")
    if root and get_route_path(scope) == scope["path"]:  # A proxy has removed the prefix.
        return quote(root, safe=_SAFE) + path
    return path


@cache_short_inputs(_CACHED)
def _encoded(raw: bytes) -> str:
    return quote(raw.partition(b"?")[0], safe=_SAFE + "%")
