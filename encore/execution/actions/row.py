"""Actions on one row, which the path identifies; and ``Read``, which only reads it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from encore.database.errors import MultipleRows, NotWritten
from encore.database.statement import Row
from encore.errors import HistoryUnavailable, NotFound
from encore.execution.actions.action import JSON_ONLY, Action, C, RowConditions
from encore.execution.deleted_access import require_deleted_access
from encore.execution.past import read_as_of
from encore.execution.preconditions import row_selection
from encore.query.as_of import AS_OF
from encore.query.parameter_errors import invalid_parameter, unknown_parameter
from encore.query.parser import DELETED
from encore.sql.past import PastReads
from encore.sql.past_statement import State
from encore.sql.statements import Statements


class RowAction(Action[C]):
    """An action on one row, which the path's parameters identify."""

    finds_by_key = True

    def parse_target(self, context: C) -> None:
        """Parse path and query."""
        query = self.resource.parse_row_query(context.scope, self.parameters)
        context.query = query
        if query is not None and query.as_of is not None:
            if self.writes:
                raise invalid_parameter(AS_OF, "is for reading: past rows do not change")
            read_as_of(context, query, query.as_of, one_row=True)
        if query is not None and query.deleted is not None:
            self._check_deleted(context)
        if self.parameters:
            self.parse_write_parameters(context)
        if context.key_lookup is None:
            context.key_values = self.resource.parse_key(context.scope)

    def _statements(self, context: C) -> Statements:
        """Return the statements that find the row by its key."""
        lookup = context.key_lookup
        if lookup is None or lookup.statements is None:
            statements = self.resource.statements
        else:
            statements = lookup.statements
        return statements if context.query is None else self._showing(context, statements)

    def _check_deleted(self, context: C) -> None:  # noqa: ARG002 - reading needs it
        """Raise ``InvalidQuery``: only reading takes the parameter ``deleted``."""
        raise unknown_parameter(DELETED, ())

    async def fetch(self, context: C) -> None:
        """Read the row."""
        row = await self._read_row(context)
        if row is None and context.past is not None:
            await self._explain_unknown(context, context.past)
        await self._set_instance(context, row)
        context.rows_found = not self.writes

    async def _read_row(self, context: C) -> Row | None:
        conditions, values, reusable = self.row_conditions(context)
        statement = self._statements(context).read(conditions, keep=reusable)
        connection = await context.rows_connection()
        return await connection.fetch_one(statement, (*values, *context.key_values))

    async def _explain_unknown(self, context: C, past: PastReads) -> None:
        """Raise ``HistoryUnavailable`` if the row's history began after the requested time."""
        if past.at is None:
            return
        context.past = replace(past, state=State.BASELINE)
        if await self._read_row(context) is not None:
            raise HistoryUnavailable("The history of this row began after that time")
        context.past = past

    async def judge(self, context: C) -> None:
        """See ``Action.judge``."""
        judges, preconditions = self.row_preconditions, context.preconditions
        selection = row_selection(context)
        if judges is None or preconditions is None or context.judged == selection:
            return
        judges.judge(context, await self._lock_row(context), preconditions)
        context.judged = selection

    async def _lock_row(self, context: C) -> Row:
        """Return the row, which no other transaction can write until this one ends.

        Raises:
            NotFound: There is no such row.
        """
        context.unit.run_several()
        found = self.row_conditions(context)
        values = (*found.values, *context.key_values)
        lock = self._statements(context).lock(found.conditions, keep=found.reusable)
        connection = await context.connection()
        row = await connection.fetch_one(lock, values)
        if row is not None and len(self.resource.fields.mapped.tables) > 1:
            # One table is locked, but what was read of the others may be older than the lock.
            row = await self._read_row(context)
        if row is None:
            raise NotFound
        return row

    async def _explain_missing(self, context: C, found: RowConditions) -> NoReturn:
        """Raise ``NotFound``, or ``NotWritten`` if the row that was not written exists."""
        statement = self._statements(context).read(found.conditions, keep=False)
        connection = await context.connection()
        values = (*found.values, *context.key_values)
        if await connection.fetch_one(statement, values) is None:
            raise NotFound
        raise NotWritten("the statement changed no row, though there is one")


class Read(RowAction[C]):
    """Read the row."""

    name = "read"
    produces = JSON_ONLY
    is_tagged = True

    async def judge(self, context: C) -> None:
        """Compare the row with the preconditions. Raises ``PreconditionFailed``."""
        if self.tags is not None:
            self.tags.judge_read(context)

    def _check_deleted(self, context: C) -> None:
        """Raise ``ApiError`` if the caller may not see deleted rows."""
        require_deleted_access(self.resource, context.scope)


def single_row(rows: Sequence[Row]) -> Row | None:
    """Return the row that a statement wrote; None if it wrote none.

    Raises:
        MultipleRows: There are several: the database does not enforce the unique key that the
            model declares. Everything is rolled back.
    """
    if len(rows) > 1:
        raise MultipleRows("the key of one row meant several")
    return rows[0] if rows else None
