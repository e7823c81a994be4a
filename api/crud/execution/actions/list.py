"""List: one page of the rows that a query asks for, and how many there are."""

from typing import Final

from api.crud.execution.actions.action import JSON_ONLY, Action
from api.crud.execution.context import Context
from api.crud.execution.hook_errors import HookError

_VARY: Final = (b"vary", b"Accept")
"""To another ``Accept``, a stream may be the answer (``api.crud.streams``)."""


class List(Action):
    """``GET /parts``: an array, and ``Content-Range``."""

    name = "list"
    produces = JSON_ONLY

    def parse_request(self, context: Context) -> None:
        """Parse path and query."""
        context.key_values = self.resource.link_key_of(context.scope)
        context.query = self.resource.read_query(context.scope)

    async def fetch(self, context: Context) -> None:
        """Fetch one page, and count the whole where the page does not tell."""
        query, resource, statements = context.query, self.resource, self.resource.statements
        assert query is not None  # noqa: S101 - parse_request left it
        count, offset = self._page(context)
        conditions, bound, keep = self._narrowed(context)
        values = (*context.key_values, *bound)
        connection = await context.connection()
        page = statements.page(conditions, query.shape.order, keep=keep)
        context.rows = rows = await connection.fetch_all(page, (*values, count, offset))
        context.instance = records = resource.view.read_rows(rows)
        context.offset = offset
        context.settled = True
        await self._embed(context, records)
        if not resource.options.pagination:
            return
        if len(rows) < count and (rows or not offset):
            context.total = offset + len(rows)  # The last page ends where the list does.
        else:
            counting = statements.count(conditions, keep=keep)
            context.total = await connection.fetch_count(counting, values)

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
        """Answer with the rows, and which they are of how many."""
        await super().send(context)
        context.headers.append(_VARY)
        if context.total is not None and isinstance(context.instance, list):
            show = self.resource.compatibility.content_range
            value = show(context.offset or 0, len(context.instance), context.total)
            context.headers.append((b"content-range", value.encode()))
