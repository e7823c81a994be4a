"""Delete: one row, with the related rows that the mapping deletes or changes with it."""

from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.actions import session_rows
from encore.execution.actions.action import JSON_ONLY, C
from encore.execution.actions.row import RowAction, single_row
from encore.execution.resource import Resource
from encore.query.write_parameters import DRY_RUN


class Delete(RowAction[C]):
    """Delete the row; the response is ``{}``."""

    name = "delete"
    produces = JSON_ONLY
    writes = True
    parameters = (DRY_RUN,)
    only_for_hooks = frozenset({"fetch"})

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        self.single = resource.statements.returns_rows and not resource.is_view

    async def write(self, context: C) -> None:
        """Delete the row, and keep it as ``context.deleted_instance``."""
        row = await (self._delete_in_session if self.needs_session() else self._delete)(context)
        if row is None:
            raise NotFound
        (context.deleted_instance,) = self.resource.serializer.read_rows((row,))
        context.instance, context.rows = {}, ()
        context.rows_found = True

    async def _delete_in_session(self, context: C) -> Row | None:
        row = await self._read_row(context)
        if row is not None:
            await session_rows.delete_row(self.resource, context, row)
        return row

    async def _delete(self, context: C) -> Row | None:
        found = self.row_conditions(context)
        statements = self._statements(context)
        values = (*found.values, *context.key_values)
        connection = await context.connection()
        row = None
        if not statements.returns_rows:
            read = statements.read(found.conditions, keep=found.reusable)
            row = await connection.fetch_one(read, values)
        delete = statements.delete(found.conditions, keep=found.reusable)
        deleted = single_row(await connection.fetch_all(delete, values))
        if deleted is None:
            await self._explain_missing(context, found)
        return row or deleted
