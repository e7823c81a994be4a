"""Which page a request asks for, and what that page's response says of the others."""

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
    """One page, as it was asked for.

    Attributes:
        pagination: What the query says.
        place: Where the page begins.
        count: How many rows it has at most.
        preferred: How the caller asks to have the list counted; None where they do not say.
        counting: How it is counted.
        is_linked: Whether there are links to other pages; not where a hook places the page.
    """

    pagination: Pagination
    place: CursorPayload
    count: int
    preferred: str | None
    counting: str
    is_linked: bool

    @property
    def by_cursor(self) -> bool:
        """Whether the page is reached by a cursor."""
        return self.pagination.cursor is not None

    @property
    def peek(self) -> bool:
        """Whether one row more is looked for, as no total will tell whether rows follow."""
        return self.by_cursor or self.counting != EXACT

    def offset(self, page: Page) -> int:
        """Return how many rows come before the page, so far as that is known."""
        number = self.place.number
        if not page.position.backwards:
            return number
        return 0 if page.ends else max(0, number - len(page.rows))

    def known_total(self, page: Page) -> int | None:
        """Return how many rows there are, where the page tells: it ends where the list does."""
        number = self.place.number
        if self.by_cursor or not page.ends or (number and not page.rows):
            return None
        return number + len(page.rows)

    def link(
        self,
        page: Page,
        total: int | None,
        cursors: CursorCodec,
        scope: Scope,
        parent: tuple[Any, ...],
    ) -> bytes | None:
        """Return the value of ``Link``; None where there is none.

        Args:
            page: The page.
            total: How many rows there are, if that was counted.
            cursors: Of the resource.
            scope: Of the request.
            parent: The key of the row that a nested list is of.
        """
        if not self.is_linked:
            return None
        more = not page.ends and (self.peek or (total or 0) > self.place.number + len(page.rows))
        if self.pagination.style is not None:
            links: Iterable[PageLink] = numbered_links(
                self.pagination, self.place.number, self.count, more=more
            )
        elif more or self.by_cursor:
            links = self._cursor_links(page, cursors, parent, more=more)
        else:
            return None
        return link_header(scope, links)

    def _cursor_links(
        self, page: Page, cursors: CursorCodec, parent: tuple[Any, ...], *, more: bool
    ) -> Sequence[PageLink]:
        """Return the links that cursors make."""
        query, digest = self.pagination.query, self.pagination.digest
        offset, backwards = self.offset(page), page.position.backwards
        links = []
        if (more or backwards) and (after := page.after) is not None and cursors.can_hold(after):
            cursor = cursors.write(CursorPayload(after, offset + len(page.rows)), digest, parent)
            links.append(("next", f"?{query}{CURSOR}={cursor}"))
        if not self.by_cursor:
            return links
        back = page.before if more or not backwards else None
        if back is not None and cursors.can_hold(back):
            cursor = cursors.write(CursorPayload(back, offset), digest, parent)
            links.append(("prev", f"?{query}{CURSOR}={cursor}"))
        return [*links, ("first", f"?{query[:-1]}" if query else "")]
