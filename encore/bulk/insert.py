"""Inserting many rows by few statements, where nothing has to be done for each row by itself."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from encore.bulk.context import BulkContext
from encore.bulk.pacing import paced
from encore.bulk.report import Report
from encore.bulk.responses import encode_rows
from encore.bulk.row_actions import BulkRow
from encore.database.errors import ROW_ERRORS, NotWritten
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import ValidationFailed
from encore.execution.resource import Resource
from encore.models.fields import Field, default_values
from encore.sql.bulk_statements import BulkStatements
from encore.validation import body as validation
from encore.validation.body import Attributes, ValidationErrors

_STATEMENT_ROWS: Final = (64, 8, 1)
"""How many rows one statement inserts: few numbers, so that few statements are compiled."""
_MAX_VALUES: Final = 8_192
"""How many values one statement has: PostgreSQL's limit is 32,767, SQLite's 32,766."""

_Written = tuple[tuple[Field, ...], tuple[Any, ...], BulkRow]
"""The written fields of a row, their driver values, and the row."""


class PlainInserts:
    """Inserts the rows of one resource, if they are plain.

    Args:
        resource: The resource.
    """

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        dialect = resource.statements.dialect
        self._statements = BulkStatements(resource.fields, resource.key, dialect)
        self._returns_rows = resource.statements.returns_rows

    async def insert_all(
        self,
        connection: Connection,
        context: BulkContext,
        rows: Sequence[tuple[int, BulkRow]],
        report: Report,
    ) -> bool:
        """Insert all rows; return False, with nothing written, if they must go one by one.

        They must if hooks or sessions work on each, if the database rejects one, if an object has
        members other than the fields that clients write, or if it refers to a soft-deleted table.

        Raises:
            ApiError: Rows are invalid; the report names all of them.
        """
        if context.is_partial or len(rows) < 2 or not self._is_possible():  # noqa: PLR2004 - one row is not many
            return False
        if any(row.represented for _, row in rows) and not self._returns_rows:
            return False
        written = []
        async for line, row in paced(rows):
            if not self._is_plain(row):
                return False
            try:
                written.append(self._parse(row))
            except ValidationFailed as error:
                report.reject(line, error)
        report.check_rejected(len(rows))
        try:
            async with connection.savepoint():
                await self._insert(connection, written)
        except (*ROW_ERRORS, NotWritten):
            return False
        return True

    def _is_possible(self) -> bool:
        resource = self._resource
        return not (
            resource.hooks["create"]
            or resource.is_view
            or resource.session_writes.behaviour.reasons("create")
        )

    def _is_plain(self, row: BulkRow) -> bool:
        written = self._resource.bodies.members.create.written
        return bool(row.body) and written.issuperset(row.body) and not self._refers(row)

    def _refers(self, row: BulkRow) -> bool:
        """Return whether a row may refer to a soft-deleted one: create looks for that."""
        references, fields = self._resource.references, self._resource.fields.by_name
        if not references:
            return False
        return references.are_set({fields[name].attribute: None for name in row.body})

    def _parse(self, row: BulkRow) -> _Written:
        """Return what is written of a row. Raises ``ValidationFailed``."""
        resource, body = self._resource, row.body
        errors = ValidationErrors()
        attributes: Attributes = validation.validate_create(
            body, resource.bodies.creatable, errors, set_elsewhere=resource.bodies.read_only
        )
        resource.locations.check(attributes, errors)
        errors.check()
        missing = [f for f in resource.default_fields if f.attribute not in attributes]
        for field, value in default_values(missing):
            attributes[field.attribute] = value
        fields, values = resource.fields.ordered(attributes)
        return fields, values, row

    async def _insert(self, connection: Connection, written: Iterable[_Written]) -> None:
        identity = self._resource.identity_field
        advance = False
        for fields, group in groupby(written, key=itemgetter(0)):
            rows = list(group)
            advance = advance or (identity is not None and identity in fields)
            while rows:
                most = max(1, _MAX_VALUES // max(1, len(fields)))
                size = next(n for n in _STATEMENT_ROWS if n <= len(rows) and n <= max(1, most))
                part, rows = rows[:size], rows[size:]
                await self._insert_part(connection, fields, part)
                await asyncio.sleep(0)
        if advance and identity is not None:
            statement = self._resource.statements.advance(identity)
            if statement is not None:
                await connection.fetch_all(statement, ())

    async def _insert_part(
        self, connection: Connection, fields: tuple[Field, ...], part: Sequence[_Written]
    ) -> None:
        statement = self._statements.insert_many(fields, len(part))
        values = tuple(value for _, of_row, _ in part for value in of_row)
        stored = await connection.fetch_all(statement, values)
        if len(stored) != len(part):
            raise NotWritten(f"{len(stored)} of {len(part)} rows were written")
        stored = self._in_order(fields, stored)
        for (_, _, row), of_row in zip(part, stored, strict=True):
            row.stored = of_row
        if part[0][2].represented:
            encoded = await encode_rows(self._resource, connection, stored)
            for (_, _, row), text in zip(part, encoded, strict=True):
                row.representation = text

    def _in_order(self, fields: tuple[Field, ...], stored: list[Row]) -> list[Row]:
        """Return the rows in the order in which they were inserted: that of generated keys."""
        identity = self._resource.identity_field
        if identity is None or identity in fields:
            return stored
        index = 0
        if self._returns_rows:
            index = list(self._resource.fields).index(identity)
        else:
            index = self._resource.fields.key.index(identity)
        return sorted(stored, key=itemgetter(index))
