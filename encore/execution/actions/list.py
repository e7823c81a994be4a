"""List: one page of the rows that match a query, their number, and links to other pages."""

from typing import Final

from encore.database.protocol import Connection
from encore.errors import HookError
from encore.execution.actions.action import JSON_ONLY, Action, C
from encore.execution.deleted_access import require_deleted_access
from encore.execution.past import read_as_of
from encore.execution.resource import Resource
from encore.execution.response_tags import NOT_MODIFIED
from encore.http.prefer_header import COUNT, ESTIMATED, EXACT, NONE, preferred_count
from encore.pages.content_range import content_range_without_total
from encore.pages.cursors import FIRST_PAGE, CursorPayload
from encore.pages.page import KeysetPosition, Page, PagedQuery, read_page
from encore.pages.page_request import PageRequest
from encore.pages.totals import count_total
from encore.query.filters import Pagination
from encore.query.page_parameters import CURSOR
from encore.query.parameter_errors import invalid_parameter

_VARY: Final = (b"vary", b"Accept")
"""For another ``Accept`` the response may be a stream (``encore.streams``)."""


class List(Action[C]):
    """List a page of the rows; all rows if ``Accept`` asks for CSV or NDJSON."""

    name = "list"
    produces = JSON_ONLY
    is_tagged = True

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        if resource.options.pagination:
            self.preferences = (COUNT,)
        self._sends_total = bool(resource.options.dialects)

    def parse_target(self, context: C) -> None:
        """Parse path and query."""
        context.key_values = self.resource.parse_parent_key(context.scope)
        context.query = query = self.resource.parse_list_query(context.scope)
        if query.as_of is not None:
            read_as_of(context, query, query.as_of)
        if query.deleted is not None:
            require_deleted_access(self.resource, context.scope)

    async def judge(self, context: C) -> None:
        """Compare the page with the preconditions. Raises ``PreconditionFailed``."""
        if self.tags is not None:
            self.tags.judge_read(context)

    async def fetch(self, context: C) -> None:
        """Read one page, count all rows where the page does not tell, and link to other pages."""
        query, resource = context.list_query, self.resource
        count, offset = self._page(context)
        found = self.row_conditions(context)
        values = (*context.key_values, *found.values)
        paged_query = PagedQuery(
            self._showing(context, resource.statements),
            found.conditions,
            values,
            query.statement_key.order,
            found.reusable,
        )
        pagination = query.pagination
        if pagination is None:
            everything = KeysetPosition((), offset)
            page = await read_page(await context.rows_connection(), paged_query, everything, count)
            await self._set_page(context, page, offset)
            return
        if pagination.style is None and not resource.cursors.ready:
            await resource.cursors.prepare()
        request = self._page_request(context, pagination, count, offset)
        connection = await context.rows_connection()
        position = request.start.position
        page = await read_page(connection, paged_query, position, count, peek=request.peek)
        await self._set_page(context, page, request.offset(page))
        context.total = request.known_total(page)
        if context.total is None or request.preferred is not None:
            await self._count(context, connection, paged_query, page, request)
        context.link = request.link(
            page, context.total, resource.cursors, context.scope, context.key_values
        )

    def _page_request(
        self, context: C, pagination: Pagination, count: int, offset: int
    ) -> PageRequest:
        """Return the page that is requested. Raises ``InvalidQuery`` for an invalid cursor."""
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

    async def _set_page(self, context: C, page: Page, offset: int) -> None:
        """Set the page's rows as the instance."""
        context.rows = page.rows
        context.offset = offset
        context.rows_found = True
        if self._may_be_known(context):  # 304 needs no records; else ``send`` makes them.
            context.instance = page.rows
            return
        context.instance = records = self.resource.serializer.read_rows(page.rows)
        if self._embeds:
            await self._embed(context, records)

    def _may_be_known(self, context: C) -> bool:
        """Return whether the caller may have the page, and its tag does not depend on records."""
        preconditions, tags = context.preconditions, self.tags
        if preconditions is None or preconditions.if_none_match is None or self.has_hooks:
            return False
        return tags is not None and tags.is_static

    async def _count(
        self,
        context: C,
        connection: Connection,
        paged_query: PagedQuery,
        page: Page,
        request: PageRequest,
    ) -> None:
        """Count the list if requested; report how it was counted if the caller chose that."""
        counting = EXACT
        if context.total is None:
            # Estimates ignore the criteria of hooks, which are policies.
            may_estimate = not (
                context.added_criteria or self.resource.is_view or context.past is not None
            )
            # An offset alone proves nothing: it may be beyond the last row.
            passed = request.start.passed if page.rows else 0
            at_least = passed + len(page.rows) + (not page.is_last)
            context.total, counting = await count_total(
                connection, paged_query, request.counting, at_least, may_estimate=may_estimate
            )
        context.is_uncounted = counting == NONE
        if counting == ESTIMATED or request.preferred is not None:
            context.headers.append((b"preference-applied", b"count=" + counting.encode()))

    @staticmethod
    def _page(context: C) -> tuple[int, int]:
        """Return the page's size and offset: a hook's, or else the query's."""
        query = context.list_query
        if context.count is context.offset is context.page is None:
            return query.count, query.offset
        for name in ("count", "offset", "page"):
            value = getattr(context, name)
            if value is not None and (type(value) is not int or value < 0):
                message = f"{name} must be an integer of at least 0"
                raise HookError(f"resource {context.resource.name}: {message}")
        count = query.count if context.count is None else context.count
        if context.offset is None and context.page is None:
            return count, query.offset
        return count, (context.offset or 0) + (context.page or 0) * count

    async def send(self, context: C) -> None:
        """Send the rows, their range and the total, and links to other pages."""
        await super().send(context)
        context.headers.append(_VARY)
        if context.status == NOT_MODIFIED:
            return
        if not isinstance(context.instance, list) or not self.resource.options.pagination:
            return
        rows, offset = len(context.instance), context.offset or 0
        if context.total is not None:
            shown = self.resource.compatibility.content_range(offset, rows, context.total)
            context.headers.append((b"content-range", shown.encode()))
            if self._sends_total:
                context.headers.append((b"x-total-count", str(context.total).encode()))
        elif context.is_uncounted and rows:
            shown = content_range_without_total(offset, rows)
            context.headers.append((b"content-range", shown.encode()))
        if context.link is not None:
            context.headers.append((b"link", context.link))
