"""List: one page of the rows that a query asks for, how many there are, and where to go on."""

from typing import Final

from encore.database.protocol import Connection
from encore.errors import HookError
from encore.execution.actions.action import JSON_ONLY, Action
from encore.execution.context import Context
from encore.http.prefer_header import ESTIMATED, EXACT, NONE, preferred_count
from encore.pages.content_range import content_range_without_total
from encore.pages.cursors import FIRST_PAGE, CursorPayload
from encore.pages.page import KeysetPosition, Page, PagedQuery, read_page
from encore.pages.page_request import PageRequest
from encore.pages.totals import count_total
from encore.query.filters import Pagination
from encore.query.page_parameters import CURSOR
from encore.query.parameter_errors import invalid_parameter

_VARY: Final = (b"vary", b"Accept")
"""To another ``Accept``, a stream may be the answer (``encore.streams``)."""


class List(Action):
    """List a page of the rows; all of them where ``Accept`` asks for CSV or NDJSON."""

    name = "list"
    produces = JSON_ONLY

    def parse_request(self, context: Context) -> None:
        """Parse path and query."""
        context.key_values = self.resource.parse_parent_key(context.scope)
        context.query = self.resource.parse_list_query(context.scope)

    async def fetch(self, context: Context) -> None:
        """Fetch one page, count the whole where the page does not tell, and link to others."""
        query, resource = context.query, self.resource
        assert query is not None  # noqa: S101 - parse_request left it
        count, offset = self._page(context)
        conditions, bound, keep = self._narrowed(context)
        values = (*context.key_values, *bound)
        paged_query = PagedQuery(
            resource.statements, conditions, values, query.statement_key.order, keep
        )
        pagination = query.pagination
        if pagination is None:
            everything = KeysetPosition((), offset)
            page = await read_page(await context.connection(), paged_query, everything, count)
            await self._take_page(context, page, offset)
            return
        if pagination.style is None and not resource.cursors.ready:
            await resource.cursors.prepare()
        asked = self._asked(context, pagination, count, offset)
        connection = await context.connection()
        page = await read_page(
            connection, paged_query, asked.start.position, count, peek=asked.peek
        )
        await self._take_page(context, page, asked.offset(page))
        context.total = asked.known_total(page)
        if context.total is None or asked.preferred is not None:
            await self._count(context, connection, paged_query, page, asked)
        context.link = asked.link(
            page, context.total, resource.cursors, context.scope, context.key_values
        )

    def _asked(
        self, context: Context, pagination: Pagination, count: int, offset: int
    ) -> PageRequest:
        """Return which page is asked for. Raises ``InvalidQuery`` for a wrong cursor."""
        resource, cursor = self.resource, pagination.cursor
        placed_by_hook = context.offset is not None or context.page is not None
        if cursor is None:
            place = CursorPayload(KeysetPosition((), offset), offset) if offset else FIRST_PAGE
            usual = resource.options.total
        elif placed_by_hook:
            raise invalid_parameter(CURSOR, "is not possible here: the service chooses the page")
        else:
            # A page that is reached by a cursor is not counted unless the caller asks for it.
            place = resource.cursors.decode(cursor, pagination.digest, context.key_values)
            usual = NONE
        preferred = preferred_count(context.scope)
        counting = preferred or usual
        return PageRequest(pagination, place, count, preferred, counting, not placed_by_hook)

    async def _take_page(self, context: Context, page: Page, offset: int) -> None:
        """Make the page's rows the context's instance."""
        context.rows = page.rows
        context.instance = records = self.resource.serializer.read_rows(page.rows)
        context.offset = offset
        context.settled = True
        if self._embeds:
            await self._embed(context, records)

    async def _count(
        self,
        context: Context,
        connection: Connection,
        paged_query: PagedQuery,
        page: Page,
        asked: PageRequest,
    ) -> None:
        """Count the list if that is wanted; say how it was counted if that was asked."""
        counting = EXACT
        if context.total is None:
            # What hooks demand of the rows is a policy: estimates know nothing of it.
            may_estimate = not context.narrowing and not self.resource.is_view
            # An offset alone says nothing: it may be beyond the last row.
            passed = asked.start.passed if page.rows else 0
            at_least = passed + len(page.rows) + (not page.is_last)
            context.total, counting = await count_total(
                connection, paged_query, asked.counting, at_least, may_estimate=may_estimate
            )
        context.is_uncounted = counting == NONE
        if counting == ESTIMATED or asked.preferred is not None:
            context.headers.append((b"preference-applied", b"count=" + counting.encode()))

    @staticmethod
    def _page(context: Context) -> tuple[int, int]:
        """Return the page's size and offset: a hook's, or else the query's."""
        query = context.query
        assert query is not None  # noqa: S101 - parse_request left it
        if context.count is context.offset is context.page is None:
            return query.count, query.offset
        for name in ("count", "offset", "page"):
            value = getattr(context, name)
            if value is not None and (type(value) is not int or value < 0):
                text = f"{name} must be an integer of at least 0"
                raise HookError(f"resource {context.resource.name}: {text}")
        count = query.count if context.count is None else context.count
        if context.offset is None and context.page is None:
            return count, query.offset
        return count, (context.offset or 0) + (context.page or 0) * count

    async def send(self, context: Context) -> None:
        """Answer with the rows, which they are of how many, and links to others."""
        await super().send(context)
        context.headers.append(_VARY)
        if not isinstance(context.instance, list) or not self.resource.options.pagination:
            return
        rows, offset = len(context.instance), context.offset or 0
        if context.total is not None:
            shown = self.resource.compatibility.content_range(offset, rows, context.total)
            context.headers.append((b"content-range", shown.encode()))
        elif context.is_uncounted and rows:
            shown = content_range_without_total(offset, rows)
            context.headers.append((b"content-range", shown.encode()))
        if context.link is not None:
            context.headers.append((b"link", context.link))
