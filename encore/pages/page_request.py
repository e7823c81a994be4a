"""The page that a request selects, and the links of its response to other pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from encore.http.prefer_header import EXACT
from encore.pages.cursors import CursorCodec, CursorPayload
from encore.pages.links import PageLink, link_header, numbered_links
from encore.pages.page import Page
from encore.query.filters import Pagination
from encore.query.page_parameters import CURSOR


@dataclass(slots=True)
class PageRequest:
    """The page that a request selects.

    Attributes:
        pagination: The pagination of the query.
        start: Where the page begins.
        count: How many rows it has at most.
        preferred: The counting that the caller prefers (``Prefer: count=exact``); None without.
        counting: How the list is counted.
        is_linked: Whether there are links to other pages; not if a hook set offset and count.
    """

    pagination: Pagination
    start: CursorPayload
    count: int
    preferred: str | None
    counting: str
    is_linked: bool

    @property
    def by_cursor(self) -> bool:
        """Whether the request has a cursor."""
        return self.pagination.cursor is not None

    @property
    def peek(self) -> bool:
        """Whether to fetch one row more: without a total, that shows whether rows follow."""
        return self.by_cursor or self.counting != EXACT

    def offset(self, page: Page) -> int:
        """Return how many rows come before the page, as counted when its cursor was made."""
        passed = self.start.passed
        if not page.position.backwards:
            return passed
        return 0 if page.is_last else max(0, passed - len(page.rows))

    def known_total(self, page: Page) -> int | None:
        """Return the total if the page shows it, as the last page without a cursor; else None."""
        passed = self.start.passed
        if self.by_cursor or not page.is_last or (passed and not page.rows):
            return None
        return passed + len(page.rows)

    def link(
        self,
        page: Page,
        total: int | None,
        cursors: CursorCodec,
        scope: Scope,
        parent: tuple[Any, ...],
    ) -> bytes | None:
        """Return the value of ``Link``; None without links.

        Args:
            page: The page.
            total: How many rows there are; None if unknown.
            cursors: The cursor codec of the resource.
            scope: The scope of the request.
            parent: The key of the parent row of a nested list.
        """
        if not self.is_linked or self.pagination.query is None:
            return None
        passed = self.start.passed
        more = not page.is_last and (self.peek or (total or 0) > passed + len(page.rows))
        if self.pagination.style is not None:
            links: Iterable[PageLink] = numbered_links(
                self.pagination, passed, self.count, more=more
            )
        elif more or self.by_cursor:
            links = self._cursor_links(page, cursors, parent, more=more)
        else:
            return None
        return link_header(scope, links)

    def _cursor_links(
        self, page: Page, cursors: CursorCodec, parent: tuple[Any, ...], *, more: bool
    ) -> Sequence[PageLink]:
        """Return the links with cursors."""
        query, digest = self.pagination.query or "", self.pagination.digest
        offset, backwards = self.offset(page), page.position.backwards
        links = []
        if more or backwards:
            after = page.after
            if after is None or not cursors.can_hold(after):
                # The other links alone would say that no rows follow.
                return []
            cursor = cursors.encode(CursorPayload(after, offset + len(page.rows)), digest, parent)
            links.append(("next", f"?{query}{CURSOR}={cursor}"))
        if not self.by_cursor:
            return links
        before = page.before if more or not backwards else None
        if before is not None and cursors.can_hold(before):
            cursor = cursors.encode(CursorPayload(before, offset), digest, parent)
            links.append(("prev", f"?{query}{CURSOR}={cursor}"))
        return [*links, ("first", f"?{query[:-1]}" if query else "")]
