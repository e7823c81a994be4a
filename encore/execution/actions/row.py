"""Actions on one row, which the path finds; and the one that only reads it."""

from collections.abc import Sequence
from typing import NoReturn

from encore.database.errors import MultipleRows, NotWritten
from encore.database.statement import Row, Values
from encore.errors import NotFound
from encore.execution.actions.action import JSON_ONLY, Action
from encore.execution.context import Context
from encore.query import Condition
from encore.sql.statements import Statements


class RowAction(Action):
    """An action on one row, which the path's parameters find."""

    by_key = True

    def parse_request(self, context: Context) -> None:
        """Parse path and query."""
        context.query = self.resource.parse_row_query(context.scope)
        if context.lookup is None:
            context.key_values = self.resource.parse_key(context.scope)

    def _statements(self, context: Context) -> Statements:
        """Return the statements that find the row by its key."""
        lookup = context.lookup
        if lookup is None or lookup.statements is None:
            return self.resource.statements
        return lookup.statements

    async def fetch(self, context: Context) -> None:
        """Fetch the row."""
        conditions, values, keep = self._narrowed(context)
        statement = self._statements(context).read(conditions, keep=keep)
        connection = await context.connection()
        row = await connection.fetch_one(statement, (*values, *context.key_values))
        await self._take_row(context, row)
        context.settled = not self.writes

    async def _find(self, context: Context) -> Row | None:
        conditions, values, keep = self._narrowed(context)
        statement = self._statements(context).read(conditions, keep=keep)
        connection = await context.connection()
        return await connection.fetch_one(statement, (*values, *context.key_values))

    async def _explain_missing(
        self, context: Context, conditions: tuple[Condition, ...], values: Values
    ) -> NoReturn:
        """Raise ``NotFound``, or ``NotWritten`` if the row is there all the same."""
        statement = self._statements(context).read(conditions, keep=False)
        connection = await context.connection()
        if await connection.fetch_one(statement, values) is None:
            raise NotFound
        raise NotWritten("the statement changed no row, though there is one")


class Read(RowAction):
    """Read the row."""

    name = "read"
    produces = JSON_ONLY


def only(rows: Sequence[Row]) -> Row | None:
    """Return the one row that a statement wrote, or None.

    Raises:
        MultipleRows: The database does not keep the key unique that the model declares; all is
            rolled back.
    """
    if len(rows) > 1:
        raise MultipleRows("the key of one row meant several")
    return rows[0] if rows else None
