"""Writing uploaded rows through ORM sessions, for models that need them (``models.behaviour``).

The rows are read back from the stage, some at a time, made into instances and flushed: in the
worker thread on SQLite, between awaits on PostgreSQL. Refused rows are found as ``writing`` does.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import JSON
from sqlalchemy.orm import Session

from encore.database import errors as db
from encore.database.capabilities import capabilities_of
from encore.database.protocol import BulkConnection
from encore.database.statement import Row
from encore.errors import ApiError, Conflict, FieldError, ValidationFailed
from encore.execution.session_writes import SessionWrites, python_reader, run_in_session
from encore.models.fields import Field
from encore.serializers.serializer import Serializer
from encore.uploads.formats import WHOLE_ROW
from encore.uploads.rows_writer import RowsWriter, Step
from encore.uploads.staging_table import CREATED
from encore.uploads.statements import UploadStatements

AT_A_TIME: Final = 100
"""How many rows are made into instances and flushed together."""


class SessionRowsWriter(RowsWriter):
    """Writes the staged rows of one upload through sessions.

    Args:
        connection: Inside the transaction.
        statements: The upload's.
        serializer: Names the fields of refused rows.
        writes: Makes and changes instances.
        keep_going: Whether to look for the refused rows; else the first refusal is raised.
    """

    part_size = AT_A_TIME

    def __init__(
        self,
        connection: BulkConnection,
        statements: UploadStatements,
        serializer: Serializer,
        writes: SessionWrites,
        *,
        keep_going: bool,
    ) -> None:
        super().__init__(connection, statements, serializer, keep_going=keep_going)
        self._writes = writes
        self._stage = statements.stage
        self._readers = [self._reader(field) for field in self._stage.fields]

    async def write(self, step: Step) -> None:
        """Write the rows of a step; leave out and note those that are refused."""
        await self._write_parts(step)

    async def _attempt_part(self, step: Step, lines: Sequence[int]) -> Exception | None:
        values = (step.status, lines[0], lines[-1])
        rows = await self._connection.fetch_all(self._statements.staged, values)
        try:
            async with self._connection.savepoint():
                await run_in_session(self._connection, partial(self._write_rows, step, rows))
        except (*db.ROW_ERRORS, ValidationFailed, Conflict) as error:
            return error
        return None

    def _write_rows(self, step: Step, rows: Sequence[Row], session: Session) -> None:
        moments = {field.attribute: value for field, value in step.moments}
        for line, key, given, *values in rows:
            attributes = {**self._attributes(given, values), **moments}
            if step.status == CREATED:
                attributes[self._statements.key.attribute] = key
                session.add(self._writes.make(attributes))
                continue
            instance = self._writes.load(session, (key,))
            if instance is None:
                raise db.NotWritten(f"the row of line {line} is gone")
            kept = self._statements.kept
            changes = {name: v for name, v in attributes.items() if name not in kept}
            self._writes.assign(instance, changes)

    def _attributes(self, given: int, values: Sequence[Any]) -> dict[str, Any]:
        """Return the Python values of the attributes that a row gave."""
        fields = zip(self._stage.fields, self._readers, values, strict=True)
        return {
            field.attribute: None if value is None else read(value)
            for field, read, value in fields
            if self._stage.has(given, field)
        }

    def _reader(self, field: Field) -> Callable[[Any], Any]:
        dialect = self._statements.dialect
        if isinstance(field.column.type, JSON) and capabilities_of(dialect).parsed_json:
            return json.loads  # The stage holds its text.
        return python_reader(field.column.type, dialect)

    def _errors(self, error: Exception) -> Sequence[FieldError]:
        if not isinstance(error, ApiError):
            return super()._errors(error)
        named = [one for one in error.errors if not isinstance(one, str)]
        return named or [{"field": WHOLE_ROW, "message": error.message}]
