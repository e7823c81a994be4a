"""Bulk writes by filter: ``PATCH /parts?color=red`` and ``DELETE /parts?color=red``.

One statement writes all rows where nothing works row by row. Otherwise the rows are locked in the
order of their keys, and each goes through the resource's own action; the first error undoes all.
Either way the number of rows that are written is compared with the limit, in the transaction that
writes them.
"""

from collections.abc import Sequence
from typing import Any, Final

from encore.bulk.context import BulkContext
from encore.bulk.errors import TooManyRows, error_of_row
from encore.bulk.row_actions import BulkRow, RowRunner
from encore.database.protocol import Connection, Database
from encore.database.statement import Row, Statement, Values
from encore.errors import ApiError, NotFound
from encore.execution.resource import Resource
from encore.http.prefer_header import REPRESENTATION
from encore.models.fields import Field
from encore.resource.locations import path_text
from encore.serializers.stored_text import stored_text, wire_value
from encore.sql.bulk_statements import BulkStatements

_METHODS: Final = {"update": "PATCH", "delete": "DELETE"}
_SERVER_ERROR: Final = 500


class FilteredRows:
    """Writes the rows of one resource that a filter matches.

    Args:
        resource: The resource.
        action: ``update`` or ``delete``.
        database: The database.

    Attributes:
        statements: The statements on all rows that match.
    """

    def __init__(self, resource: Resource, action: str, database: Database) -> None:
        dialect = resource.statements.dialect  # Which hides deleted rows, if any are kept.
        self.statements = BulkStatements(resource.fields, resource.key, dialect)
        self._resource = resource
        self._action = action
        self._database = database
        self._rows = RowRunner(resource, action, database)

    async def check_count(self, context: BulkContext) -> None:
        """Raise ``TooManyRows`` if the filter matches too many rows, before any is locked.

        Rows may change before they are written: the number of rows that are is what counts.
        """
        if not (context.unit.is_joined or context.unit.has_begun):
            # On SQLite, no other write has to wait for this meanwhile.
            async with self._database.reading() as connection:
                matched = await self._count(connection, context)
        else:
            matched = await self._count(await context.connection(), context)
        if matched > context.max_affected:
            raise TooManyRows(matched, context.max_affected)

    async def _count(self, connection: Connection, context: BulkContext) -> int:
        statement = self.statements.count(context.conditions, keep=context.reusable)
        return await connection.fetch_count(statement, context.values)

    async def write_all(
        self, connection: Connection, context: BulkContext, statement: Statement, values: Values
    ) -> Sequence[Row]:
        """Run the statement that writes all rows; return them if it does.

        Raises:
            TooManyRows: It has written too many; the transaction must be rolled back.
        """
        rows = await connection.fetch_all(statement, values)
        if context.preferred == REPRESENTATION:
            context.affected = len(rows)
        else:
            changed = self.statements.changed()
            numbers = rows if changed is None else await connection.fetch_all(changed, ())
            context.affected = numbers[0][0]
        if context.affected > context.max_affected:
            raise TooManyRows(context.affected, context.max_affected)
        return rows

    async def write_each(self, connection: Connection, context: BulkContext) -> None:
        """Lock the rows, and run the resource's own action for each.

        Rows that hooks exclude (criteria) are as if the filter did not match them. Rows whose
        action a hook has ended before they were written are not counted.

        Raises:
            TooManyRows: There are too many; nothing is written.
            ApiError: A row is rejected; names it.
        """
        statement = self.statements.lock_keys(context.conditions, keep=context.reusable)
        values = (*context.values, context.max_affected + 1)
        keys = await connection.fetch_all(statement, values)
        if len(keys) > context.max_affected:
            raise TooManyRows(await self._count(connection, context), context.max_affected)
        representations = []
        for key in keys:
            row = BulkRow(
                _METHODS[self._action],
                self._path_params(key),
                tuple(key),
                context.request_body,
                represented=context.preferred == REPRESENTATION,
            )
            try:
                await self._rows.run(context.scope, row, context.unit)
            except NotFound:
                continue
            except ApiError as error:
                if error.status >= _SERVER_ERROR:
                    raise
                raise self._error_of(row, error) from error
            context.affected += row.stored is not None
            if row.represented:
                representations.append(row.representation)
        context.representations = representations

    def _path_params(self, key: Row) -> dict[str, str]:
        parameters = self._resource.paths.key_parameters
        return {
            name: _text_of(field, value)
            for (name, field), value in zip(parameters, key, strict=True)
        }

    def _error_of(self, row: BulkRow, error: ApiError) -> ApiError:
        """Return the error of the whole request; hidden keys are not in it."""
        shown = self._resource.serializer.shown
        parameters = self._resource.paths.key_parameters
        label = "a row"
        if all(field.name in shown for _, field in parameters):
            names = (f"{field.name} {row.path_params[name]}" for name, field in parameters)
            label = ", ".join(names)
        return error_of_row(error, f"{label}: {error.message}: nothing is changed", label)


def _text_of(field: Field, value: Any) -> str:
    """Return a stored value as a path has it; one that does not fit its column as it is shown."""
    try:
        return path_text(wire_value(field, value))
    except Exception:  # noqa: BLE001 - codecs run code of column types
        return stored_text(value)
