"""Restore: makes a soft-deleted row, with the rows that were deleted with it, visible again."""

from collections.abc import Sequence

from encore.database.errors import NotWritten
from encore.database.soft_deletes import DeletedRows, dialect_showing
from encore.database.statement import Row
from encore.errors import Conflict, NotFound
from encore.execution.actions import session_rows
from encore.execution.actions.action import JSON_ONLY, C
from encore.execution.actions.row import RowAction, single_row
from encore.execution.resource import Resource
from encore.query.write_parameters import DRY_RUN
from encore.sql.statements import Statements
from encore.validation.body import INVALID, ValidationErrors
from encore.validation.nested import NestedBody

NOT_DELETED = "The row is not deleted"


class Restore(RowAction[C]):
    """Restore a deleted row; the response is the row. The body must be empty, or `{}`."""

    name = "restore"
    produces = JSON_ONLY
    reads_body = True
    writes = True
    is_tagged = True
    judges_preconditions = True
    parameters = (DRY_RUN,)
    only_for_hooks = frozenset({"fetch"})

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource)
        self.single = False
        fields, dialect = resource.fields, resource.statements.dialect
        stored = dialect_showing(dialect, DeletedRows.STORED)
        self._by_key = Statements(fields, fields.key, stored)

    def parse_body(self, context: C) -> None:
        """Reject members: a restored row is as it was. Raises ``ValidationFailed``."""
        errors = ValidationErrors()
        for name in context.request_body:
            errors.add(name, INVALID, "must not be given: a restored row is as it was")
        errors.check()

    def needs_session(self, nested: Sequence[NestedBody] = ()) -> bool:  # noqa: ARG002 - as every action's
        """Return whether the row is written through an ORM session."""
        return session_rows.marks_in_session(self.resource)

    def _statements(self, context: C) -> Statements:
        """Return the statements that find the deleted row by its key."""
        return super()._statements(context).showing(DeletedRows.ONLY)

    async def fetch(self, context: C) -> None:
        """Read the deleted row."""
        row = await self._read_row(context)
        if row is None:
            await self._explain_undeleted(context)
        await self._set_instance(context, row)

    async def _lock_row(self, context: C) -> Row:
        """Return the deleted row, which no other transaction can write until this one ends.

        Raises:
            NotFound: There is no such row.
            Conflict: It is not deleted.
        """
        try:
            return await super()._lock_row(context)
        except NotFound:
            await self._explain_undeleted(context)
            raise

    async def _explain_undeleted(self, context: C) -> None:
        """Raise ``Conflict`` if there is a row with this key that is not deleted."""
        found = self.row_conditions(context)
        shown = super()._statements(context).read(found.conditions, keep=found.reusable)
        connection = await context.connection()
        values = (*found.values, *context.key_values)
        if await connection.fetch_one(shown, values) is not None:
            raise Conflict(NOT_DELETED)

    async def write(self, context: C) -> None:
        """Restore the row and read it back.

        Raises:
            NotFound: There is no such row.
            Conflict: It is not deleted, or a unique key of it belongs to another row by now.
        """
        row = await self._lock_row(context)
        in_session = self.needs_session()
        restored = (
            await session_rows.restore_row(self.resource, context, row)
            if in_session
            else await self._restore(context, row)
        )
        await self._set_instance(context, restored)
        context.rows_found = True

    async def _restore(self, context: C, row: Row) -> Row | None:
        resource, field = self.resource, self.resource.soft_delete
        if field is None:
            raise TypeError(f"{resource.name} is not soft-deleted")
        attributes = {
            **resource.fields.onupdate_values(),
            **context.attributes,
            field.attribute: None,
        }
        written, new = resource.fields.ordered(attributes)
        connection = await context.connection()
        update = self._by_key.update(written)
        rows = await connection.fetch_all(update, (*new, *resource.fields.key_of(row)))
        restored = single_row(rows)
        if restored is None:
            raise NotWritten("the row to restore is gone")
        return await self._read_back(connection, restored)
