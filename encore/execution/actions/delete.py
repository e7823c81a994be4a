"""Delete: one row, with what the mapping has go or change with it."""

from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.actions import session_rows
from encore.execution.actions.action import JSON_ONLY
from encore.execution.actions.row import RowAction, only
from encore.execution.context import Context
from encore.execution.resource import Resource


class Delete(RowAction):
    """Delete the row; answers ``{}``."""

    name = "delete"
    produces = JSON_ONLY
    writes = True
    only_for_hooks = frozenset({"fetch"})

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        self.single = resource.statements.returns_rows and not resource.is_view

    async def write(self, context: Context) -> None:
        """Delete the row, keeping what it was."""
        row = await (self._delete_in_session if self.needs_session() else self._delete)(context)
        if row is None:
            raise NotFound
        (context.deleted_instance,) = self.resource.serializer.read_rows((row,))
        context.instance, context.rows = {}, ()
        context.settled = True

    async def _delete_in_session(self, context: Context) -> Row | None:
        row = await self._find(context)
        if row is not None:
            await session_rows.delete_row(self.resource, context, row)
        return row

    async def _delete(self, context: Context) -> Row | None:
        conditions, narrowing, keep = self._narrowed(context)
        statements, values = self._statements(context), (*narrowing, *context.key_values)
        connection = await context.connection()
        row = None
        if not statements.returns_rows:
            row = await connection.fetch_one(statements.read(conditions, keep=keep), values)
        deleted = only(await connection.fetch_all(statements.delete(conditions, keep=keep), values))
        if deleted is None:
            await self._explain_missing(context, conditions, values)
        return row or deleted
