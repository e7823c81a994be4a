"""``GET /parts/7/history``: the versions of one row, the newest first."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Final

from encore.database.history.recorded_table import COLUMNS, SEQUENCE
from encore.database.soft_deletes import DeletedRows
from encore.database.statement import Row
from encore.errors import HookError, NotFound
from encore.execution.actions.action import JSON_ONLY
from encore.execution.actions.row import RowAction
from encore.execution.context import Context
from encore.execution.deleted_access import may_see_deleted
from encore.execution.resource import Resource
from encore.history.entries import EntrySerializer
from encore.history.statements import HistoryStatements, end_of_earlier_rows
from encore.pages.links import link_header
from encore.query.page_parameters import PAGING, parse_page
from encore.query.parameter_errors import invalid_parameter, unknown_parameter
from encore.query.parser import parse_pairs
from encore.resource.histories import ResourceHistory
from encore.sql.past import PastReads
from encore.sql.past_statement import State
from encore.sql.statements import Statements

BEFORE: Final = "before"
COUNT: Final = "count"
PARAMETERS: Final = (COUNT, BEFORE)
_SEQUENCE_AT: Final = COLUMNS.index(SEQUENCE)
_MAX_SEQUENCE: Final = 2**63 - 1
_MAX_DIGITS: Final = len(str(_MAX_SEQUENCE))
"""``int`` raises an exception for thousands of digits."""


@dataclass(slots=True)
class HistoryContext(Context):
    """The context of reading a history.

    Attributes:
        entries_count: How many entries are requested.
        before: The sequence before which the entries are; None for the newest.
        entries: The entries.
    """

    entries_count: int = 0
    before: int | None = None
    entries: Any = None


class ReadHistory(RowAction[HistoryContext]):
    """Read the versions of the row, the newest first; also those of a deleted row.

    The hooks of read say who may: their criteria are judged on the latest version. With such hooks
    the entries of earlier rows with the same key are not shown.
    """

    name = "read"
    produces = JSON_ONLY
    context_type = HistoryContext

    def __init__(self, resource: Resource, history: ResourceHistory) -> None:
        super().__init__(resource)
        self._embeds = False
        self._table = history.recorded.table
        self._statements_of_history = HistoryStatements(resource, history)
        self._entries = EntrySerializer(resource, history)

    def parse_request(self, context: HistoryContext) -> None:
        """Parse path and query."""
        parameters: dict[str, list[str]] = {}
        for name, text in parse_pairs(context.scope["query_string"]):
            if name not in PARAMETERS:
                raise unknown_parameter(name, PARAMETERS)
            parameters.setdefault(name, []).append(text)
        context.entries_count, _, _ = parse_page(
            {name: texts for name, texts in parameters.items() if name == COUNT}, PAGING
        )
        context.before = _parse_before(parameters.get(BEFORE))
        if context.key_lookup is None:
            context.key_values = self.resource.parse_key(context.scope)
        context.past = PastReads(State.LATEST, self._table)

    def _statements(self, context: HistoryContext) -> Statements:
        """Return the statements that find the row by its key, deleted or not."""
        return super()._statements(context).showing(DeletedRows.WITH)

    async def fetch(self, context: HistoryContext) -> None:
        """Read the latest version, which decides whether the caller sees the row."""
        await super().fetch(context)
        if len(context.rows) != 1:
            raise HookError(f"resource {self.resource.name}: a history needs the row")
        (row,) = context.rows
        self._check_deleted_row(context, row)
        await self._read_entries(context, row)

    def _check_deleted_row(self, context: HistoryContext, row: Row) -> None:
        """Raise ``NotFound`` for a soft-deleted row, unless the caller may see deleted rows."""
        field = self.resource.soft_delete
        if field is None or row[list(self.resource.fields).index(field)] is None:
            return
        if not may_see_deleted(self.resource, context.scope):
            raise NotFound

    async def _read_entries(self, context: HistoryContext, row: Row) -> None:
        statements, limit = self._statements_of_history, context.entries_count + 1
        key = self.resource.fields.key_of(row)
        connection = await context.connection()
        if context.before is None:
            rows = await connection.fetch_all(statements.newest, (*key, limit))
        else:
            rows = await connection.fetch_all(statements.older, (*key, context.before, limit))
        if self.has_hooks:
            end = await end_of_earlier_rows(statements, connection, key)
            rows = [row for row in rows if row[_SEQUENCE_AT] > end]
        context.entries = self._entries.entries(rows, context.entries_count)
        if len(rows) > context.entries_count:
            last = context.entries[-1]["sequence"]
            query = f"?{COUNT}={context.entries_count}&{BEFORE}={last}"
            context.link = link_header(context.scope, [("next", query)])

    async def send(self, context: HistoryContext) -> None:
        """Send the entries, and the link to older ones.

        Members that hooks have removed from the row are not shown in the entries either.
        """
        shown = context.instance if isinstance(context.instance, Container) else ()
        visible = {name for name in self._entries.names if name in shown}
        for entry in context.entries:
            for name in entry["changes"].keys() - visible:
                del entry["changes"][name]
        context.instance, context.rows = context.entries, ()
        await super().send(context)
        if context.link is not None:
            context.headers.append((b"link", context.link))


def _parse_before(texts: list[str] | None) -> int | None:
    if texts is None:
        return None
    text = texts[0]
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    if len(texts) > 1 or not is_number or int(text) > _MAX_SEQUENCE:
        raise invalid_parameter(BEFORE, "must be the sequence of an entry")
    return int(text)
