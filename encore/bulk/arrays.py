"""Bulk writes of an array: ``POST /parts`` and ``PATCH /parts`` with a JSON array as the body.

``POST`` creates a row of each object. ``PATCH`` changes the row that each object names by the key
in the resource's path, all rows or none. The response is the report of an upload, or the rows.
"""

from collections.abc import Sequence
from typing import Any, Final

from encore.bulk.context import BulkContext
from encore.bulk.insert import PlainInserts
from encore.bulk.pacing import paced
from encore.bulk.report import Report
from encore.bulk.row_actions import BulkRow, RowRunner
from encore.database.protocol import Connection, Database
from encore.errors import ApiError, ValidationFailed
from encore.execution.resource import Resource
from encore.http.prefer_header import REPRESENTATION
from encore.models.fields import Field
from encore.models.types import InvalidValue
from encore.query.filters import And, Comparison, Condition, Or
from encore.query.operators import EQUALS, IN
from encore.resource.locations import path_text
from encore.sql.bulk_statements import BulkStatements
from encore.uploads.formats import WHOLE_ROW
from encore.uploads.staging_table import CREATED, UNCHANGED, UPDATED
from encore.validation.body import INVALID, ValidationErrors

_METHODS: Final = {"create": "POST", "update": "PATCH"}
_STATUSES: Final = {"create": CREATED, "update": UPDATED}
_CREATED: Final = 201
_LOCKED: Final = 64
"""How many rows one statement locks."""


class ArrayRows:
    """Writes the rows of an array, one after the other.

    Args:
        resource: The resource.
        action: ``create`` or ``update``.
        database: The database.
    """

    def __init__(self, resource: Resource, action: str, database: Database) -> None:
        self._resource = resource
        self._action = action
        self._rows = RowRunner(resource, action, database)
        self._inserts = PlainInserts(resource)
        self._locks_rows = action == "update" and database.capabilities.row_locks
        dialect = resource.statements.dialect
        self._statements = BulkStatements(resource.fields, resource.key, dialect)

    async def write(self, context: BulkContext) -> Report:
        """Write the rows; return their report.

        Raises:
            ApiError: A row is rejected, unless others may be written nevertheless.
        """
        report, elements = Report(self._resource, context), context.elements or ()
        rows = await self._parse(context, elements, report)
        if not context.is_partial:
            report.check_rejected(len(elements))
        connection = await context.connection()
        creates = self._action == "create"
        if (
            creates
            and not context.upsert
            and await self._inserts.insert_all(connection, context, rows, report)
        ):
            async for line, row in paced(rows):
                report.add(line, CREATED, row)
            return report
        if self._locks_rows:
            await self._lock(connection, [row.key for _, row in rows if row.key is not None])
        for line, row in rows:
            await self._write_row(connection, context, line, row, report)
        return report

    async def _write_row(
        self, connection: Connection, context: BulkContext, line: int, row: BulkRow, report: Report
    ) -> None:
        try:
            if context.is_partial:
                part = context.unit.joined()
                async with connection.savepoint():
                    await self._rows.run(context.scope, row, part)
                await part.close(None)
            else:
                await self._rows.run(context.scope, row, context.unit)
        except ApiError as error:
            report.reject(line, error)
            if not context.is_partial:
                report.check_rejected(len(context.elements or ()))
        else:
            report.add(line, self._status(context, row), row)

    def _status(self, context: BulkContext, row: BulkRow) -> str:
        """Return the status of a row that was written."""
        if not row.stored:
            return UNCHANGED
        if context.upsert and row.status != _CREATED:
            return UPDATED if b"=merge" in context.upsert else UNCHANGED
        return _STATUSES[self._action]

    async def _parse(
        self, context: BulkContext, elements: Sequence[Any], report: Report
    ) -> list[tuple[int, BulkRow]]:
        """Return the rows with their lines; those that name no row are rejected."""
        rows = []
        lines_by_key: dict[tuple[Any, ...], int] = {}
        async for line, element in paced(enumerate(elements, start=1)):
            try:
                row = self._parse_row(context, element)
                if row.key is not None:
                    first = lines_by_key.setdefault(row.key, line)
                    if first != line:
                        raise _rejected(WHOLE_ROW, f"The row is the same as that of line {first}")
            except ValidationFailed as error:
                report.reject(line, error)
            else:
                rows.append((line, row))
        return rows

    def _parse_row(self, context: BulkContext, element: Any) -> BulkRow:
        represented = context.preferred == REPRESENTATION and not context.is_partial
        if not isinstance(element, dict):
            raise _rejected(WHOLE_ROW, "The row must be a JSON object")
        if self._action == "create":
            return BulkRow("POST", {}, None, element, represented, query=context.upsert)
        parameters = self._resource.paths.key_parameters
        errors = ValidationErrors()
        key = tuple(_key_value(field, element, errors) for _, field in parameters)
        errors.check()
        path_params = {name: path_text(element[field.name]) for name, field in parameters}
        of_key = {field.name for _, field in parameters}
        body = {name: value for name, value in element.items() if name not in of_key}
        return BulkRow("PATCH", path_params, key, body, represented)

    async def _lock(self, connection: Connection, keys: Sequence[tuple[Any, ...]]) -> None:
        """Lock the rows in the order of their keys, so that two requests do not deadlock."""
        ordered = sorted(keys)
        for start in range(0, len(ordered), _LOCKED):
            part = ordered[start : start + _LOCKED]
            part += [part[-1]] * (_LOCKED - len(part))  # One statement for any number of rows.
            values = tuple(value for key in part for value in key)
            statement = self._statements.lock_keys((self._any_of(len(part)),))
            await connection.fetch_all(statement, (*values, len(part)))

    def _any_of(self, rows: int) -> Condition:
        fields = self._resource.key
        if len(fields) == 1:
            return Comparison(fields[0], IN, rows)
        same = And(tuple(Comparison(field, EQUALS) for field in fields))
        return Or((same,) * rows)


def _key_value(field: Field, element: dict[str, Any], errors: ValidationErrors) -> Any:
    """Return the driver value of a field of the key; add an error if it is invalid."""
    value = element.get(field.name)
    if value is None:
        errors.add(field.name, INVALID, "is required: it names the row")
        return None
    try:
        return field.codec.driver_value(field.codec.from_json(value))
    except InvalidValue as error:
        errors.add(field.name, error.type_, str(error))
        return None


def _rejected(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(message, [{"field": field, "message": message}])
