"""One page of a stream: read by keyset pagination, written as CSV or NDJSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from encore.database.statement import Row
from encore.database.threads import lower_priority, run_in_thread
from encore.errors import NotAcceptable
from encore.execution.actions import List
from encore.pages.cursors import CursorPayload
from encore.pages.page import Page, PagedQuery, read_page
from encore.query.page_parameters import CURSOR, PARAMETERS
from encore.query.parameter_errors import invalid_parameter
from encore.query.parser import parse_pairs
from encore.streams.context import PageContext
from encore.streams.parts import next_link
from encore.streams.table import Projection

if TYPE_CHECKING:
    from encore.execution.resource import Resource


_PAGE_PARAMETERS: Final = frozenset(PARAMETERS) - {CURSOR}


class StreamPage(List[PageContext]):
    """The stages of a list for each page of a stream.

    A stream has all rows: ``count``, ``offset`` and ``page`` are rejected. With ``cursor`` it
    begins after a row.
    """

    context_type = PageContext
    is_tagged = False

    def __init__(self, resource: "Resource") -> None:
        super().__init__(resource)
        self.single = False

    def parse_request(self, context: PageContext) -> None:
        """Parse path and query.

        Raises:
            InvalidQuery: A parameter selects a page.
            NotAcceptable: The order has no sort keys.
        """
        super().parse_request(context)
        for name, _ in parse_pairs(context.scope["query_string"]):
            if name in _PAGE_PARAMETERS and name in self.resource.parser.reserved:
                raise invalid_parameter(name, "selects a page, but a stream has all rows")
        pagination = context.list_query.pagination
        style = None if pagination is None or pagination.query is not None else pagination.style
        if style is not None:
            raise invalid_parameter(style, "selects a page, but a stream has all rows")
        order = context.list_query.statement_key.order
        if not self.resource.page_statements.keyset(order).is_supported:
            raise NotAcceptable(
                "These rows have an order that cannot be streamed: sort by fields, or accept"
                " application/json"
            )

    async def fetch(self, context: PageContext) -> None:
        """Read the rows after those of the previous page.

        Raises:
            NotAcceptable: A hook selected a page.
        """
        if not context.count is context.offset is context.page is None:
            raise cannot_stream("select a page")
        stream = context.stream
        if not stream.begun:
            await self._begin(context)
        context.offset = stream.passed + stream.rows
        page = await self._read(context)
        context.rows = page.rows
        context.instance = await run_in_thread("stream-reader", self._records, page.rows)
        context.rows_found = True
        await self._embed(context, context.instance)

    async def _begin(self, context: PageContext) -> None:
        """Set the position to that of the cursor, if there is one. Raises ``InvalidQuery``."""
        query, stream, cursors = context.query, context.stream, self.resource.cursors
        stream.begun = True
        pagination = None if query is None else query.pagination
        if pagination is None:
            return
        if stream.parts is not None:
            await cursors.prepare()
        if pagination.cursor is None:
            return
        await cursors.prepare()
        payload = cursors.decode(pagination.cursor, pagination.digest, context.key_values)
        if payload.position.backwards:
            raise invalid_parameter(
                CURSOR, "leads backwards: a stream can only go on to the last row"
            )
        stream.position, stream.passed = payload

    async def _read(self, context: PageContext) -> Page:
        query, stream = context.list_query, context.stream
        conditions, bound, reusable = self.row_conditions(context)
        paged_query = PagedQuery(
            self._showing(context, self.resource.page_statements),
            conditions,
            (*context.key_values, *bound),
            query.statement_key.order,
            reusable,
        )
        size = stream.size.rows
        page = await read_page(await context.rows_connection(), paged_query, stream.position, size)
        stream.ended = page.is_last
        stream.position = page.after or stream.position
        stream.rows += len(page.rows)
        return page

    def _records(self, rows: Sequence[Row]) -> list[Any]:
        lower_priority()
        return self.resource.serializer.read_rows(rows)

    async def send(self, context: PageContext) -> None:
        """Write the page's rows, in a thread.

        Raises:
            NotAcceptable: A hook has replaced the rows by something else.
        """
        if not context.rows_found or not isinstance(context.instance, list | tuple):
            raise cannot_stream("return something else than its rows")
        await run_in_thread("stream-writer", self._write, context)

    def _write(self, context: PageContext) -> None:
        lower_priority()
        stream, query = context.stream, context.query
        self._hide_unrequested(context)
        if stream.writer is None:
            projection = Projection(
                self.resource.serializer,
                None if query is None else query.shown,
                self._embedded_relations(context),
                self.exposes_instance,
            )
            stream.writer = stream.format.writer(projection)
        data = stream.writer.write(context.instance)
        context.body = stream.encode(self._part(context, data))
        context.written = True
        if context.rows:
            stream.size.adapt(len(context.rows), len(data))

    def _part(self, context: PageContext, data: bytes) -> bytes:
        """Return the page's rows as a part, if the stream has parts."""
        stream = context.stream
        if stream.parts is None:
            return data
        passed = stream.passed + stream.rows
        link = None
        if not stream.ended:
            pagination = None if context.query is None else context.query.pagination
            link = next_link(
                context.scope,
                pagination,
                self.resource.cursors,
                CursorPayload(stream.position, passed),
                context.key_values,
            )
        rows = len(context.rows)
        return stream.parts.encode(data, link, passed - rows, rows)


def cannot_stream(reason: str) -> NotAcceptable:
    """Return the error of a list whose hooks leave no rows to stream."""
    return NotAcceptable(f"Hooks of this list {reason}: it is available as application/json only")
