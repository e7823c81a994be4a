"""Delete: one row, with the related rows that the mapping deletes or changes with it."""

from collections.abc import Sequence

from encore.database.soft_deletes import DeletedRows
from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.actions import session_rows
from encore.execution.actions.action import JSON_ONLY, C
from encore.execution.actions.row import RowAction, single_row
from encore.execution.resource import Resource
from encore.execution.soft_delete import deletion_timestamp
from encore.models.fields import Field
from encore.query.write_parameters import DRY_RUN
from encore.validation.nested import NestedBody


class Delete(RowAction[C]):
    """Delete the row; the response is ``{}``.

    With dialects it is the row, without related ones, if the caller may read rows.

    A row of a soft-deleted resource stays stored, with the time of its deletion.
    """

    name = "delete"
    produces = JSON_ONLY
    writes = True
    parameters = (DRY_RUN,)
    judges_preconditions = True
    only_for_hooks = frozenset({"fetch"})

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        self.single = resource.statements.returns_rows and not resource.is_view
        self._soft_delete = resource.soft_delete
        self._answers_row = bool(resource.options.dialects)

    def needs_session(self, nested: Sequence[NestedBody] = ()) -> bool:
        """Return whether the row is written through an ORM session."""
        if self._soft_delete is None:
            return super().needs_session(nested)
        return session_rows.marks_in_session(self.resource)

    async def write(self, context: C) -> None:
        """Delete the row, and keep it as ``context.deleted_instance``."""
        in_session = self.needs_session()
        if self._soft_delete is not None:
            row = await self._mark_deleted(context, self._soft_delete, in_session=in_session)
            if self._answers_row and row is not None and (in_session or not self.single):
                row = await self._read_marked(context, row)
        else:
            row = await (self._delete_in_session if in_session else self._delete)(context)
        if row is None:
            raise NotFound
        (context.deleted_instance,) = self.resource.serializer.read_rows((row,))
        tags = self.tags if self._answers_row else None
        may_read = tags is not None and tags.may_read(context)
        context.instance = context.deleted_instance if may_read else {}
        context.rows = ()
        context.rows_found = True

    async def _read_marked(self, context: C, row: Row) -> Row | None:
        """Return the row of a soft-deleted resource as it is stored now."""
        connection = await context.connection()
        stored = self.resource.statements.showing(DeletedRows.WITH).stored()
        return await connection.fetch_one(stored, self.resource.fields.key_of(row))

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

    async def _mark_deleted(self, context: C, field: Field, *, in_session: bool) -> Row | None:
        """Set the timestamp of the deletion; return the row."""
        resource, statements = self.resource, self._statements(context)
        row = None
        if in_session or not statements.returns_rows:
            row = await self._read_row(context)
        if in_session:
            if row is not None:
                await session_rows.mark_deleted(resource, context, row)
            return row
        found = self.row_conditions(context)
        deleted = {field.attribute: deletion_timestamp(field)}
        written, new = resource.fields.ordered({**resource.fields.onupdate_values(), **deleted})
        update = statements.update(written, found.conditions, keep=found.reusable)
        connection = await context.connection()
        values = (*new, *found.values, *context.key_values)
        marked = single_row(await connection.fetch_all(update, values))
        if marked is None:
            await self._explain_missing(context, found)
        return row or marked
