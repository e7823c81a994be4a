"""Writing uploaded rows: all in one statement or, where the database rejects some, without those.

One statement writes the rows of one status. Only if the database rejects it, or writes fewer rows
than expected (a trigger that skips rows), the rows are written in ranges, and rejected ranges are
halved until each rejected row is found. A range sees what the ranges before it wrote, so a row is
rejected if it would be rejected after all earlier rows that were not.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
from sqlalchemy import JSON
from sqlalchemy.orm import Session

from encore.database import errors as db
from encore.database.capabilities import capabilities_of
from encore.database.protocol import BulkConnection
from encore.database.statement import Row, Statement, Values
from encore.errors import ApiError, Conflict, FieldError, ValidationFailed
from encore.execution.error_mapping import rejected_fields
from encore.execution.session_writes import SessionWrites, python_reader, run_in_session
from encore.models.fields import Field
from encore.serializers.serializer import Serializer
from encore.uploads.formats import WHOLE_ROW
from encore.uploads.staging_table import CREATED, RENAMED
from encore.uploads.statements import UploadStatements

MAX_REJECTED_BY_DATABASE: Final = 1_000
"""The most rows of one upload that the database may reject; each costs about ten statements."""

_MESSAGES: Final[tuple[tuple[type[db.DatabaseError], str], ...]] = (
    (db.UniqueViolation, "The row conflicts with a stored row"),
    (db.ExclusionViolation, "The row conflicts with a stored row"),
    (db.ForeignKeyViolation, "The row must refer to an existing row"),
    (db.InvalidData, "A value of the row does not fit its column"),
    (db.PermissionDenied, "The database does not permit this row"),
    (db.NotWritten, "The database did not write this row"),
)
_OTHER_MESSAGE: Final = "A rule of the database rejects this row"

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class WriteStep:
    """The writing of the rows of one status.

    Attributes:
        status: The status: ``created`` or ``updated``; or ``RENAMED``.
        timestamps: The fields with one value for all rows, and their Python values.
    """

    status: str
    timestamps: Sequence[tuple[Field, Any]]

    @property
    def values(self) -> Values:
        """The values of the timestamps in the statements."""
        return tuple(field.codec.driver_value(value) for field, value in self.timestamps)


class RowsWriter:
    """Writes the staged rows of one upload by SQL statements.

    Args:
        connection: The connection, inside the transaction.
        statements: The statements of the upload.
        serializer: The serializer of the resource, for the field names of errors.
        keep_going: Whether to search for the rejected rows; otherwise the error is raised.

    Attributes:
        rejected: The errors of the rows that the database rejects, by line.
        range_size: The rows of a range.
    """

    range_size = 1_000

    def __init__(
        self,
        connection: BulkConnection,
        statements: UploadStatements,
        serializer: Serializer,
        *,
        keep_going: bool,
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._serializer = serializer
        self._keep_going = keep_going
        self.rejected: dict[int, Sequence[FieldError]] = {}

    async def write_rows(self, step: WriteStep) -> None:
        """Write the rows of a step; skip those that the database rejects, and record them.

        Raises:
            DatabaseError: Another error, or any where rejected rows are not searched for.
            ValidationFailed: The database rejects more than ``MAX_REJECTED_BY_DATABASE`` rows.
        """
        row = await self._connection.fetch_one(self._statements.count_of_status, (step.status,))
        count = row[0] if row is not None else 0
        statement = self._statements.write_all[step.status]
        error = await self._try_statement(statement, step.values, count) if count else None
        if error is None:
            return
        if not self._keep_going:
            raise error
        await self._write_ranges(step)

    def check_rejected(self) -> None:
        """Raise ``NotWritten`` if the database has rejected any row."""
        if self.rejected:
            raise db.NotWritten(f"{len(self.rejected)} rows are rejected")

    async def stage_rejected(self) -> None:
        """Set the status and the errors of the rejected rows in the staging table."""
        for line, errors in self.rejected.items():
            values = (_encode(errors).decode(), line)
            await self._connection.execute(self._statements.reject_line, values)

    async def _write_ranges(self, step: WriteStep) -> None:
        last = 0
        while lines := await self._next_lines(step.status, last):
            await self._write_range(step, lines)
            last = lines[-1]

    async def _next_lines(self, status: str, last: int) -> list[int]:
        values = (status, last, self.range_size)
        rows = await self._connection.fetch_all(self._statements.lines_of_status, values)
        return [row[0] for row in rows]

    async def _write_range(self, step: WriteStep, lines: Sequence[int]) -> None:
        ranges = [lines]
        while ranges:
            range_ = ranges.pop()
            error = await self._try_range(step, range_)
            if error is None:
                continue
            if not self._keep_going:
                raise error
            if len(range_) > 1:
                middle = len(range_) // 2
                ranges += [range_[middle:], range_[:middle]]  # The first half is popped first.
                continue
            self.rejected[range_[0]] = self._field_errors(error)
            if len(self.rejected) > MAX_REJECTED_BY_DATABASE:
                raise ValidationFailed(
                    f"The database rejects more than {MAX_REJECTED_BY_DATABASE} rows:"
                    " nothing is written"
                ) from error

    async def _try_range(self, step: WriteStep, lines: Sequence[int]) -> Exception | None:
        values = (*step.values, lines[0], lines[-1])
        statement = self._statements.write_range[step.status]
        return await self._try_statement(statement, values, len(lines))

    async def _try_statement(
        self, statement: Statement, values: Values, expected: int
    ) -> db.DatabaseError | None:
        """Execute a statement; undo it and return the error unless it wrote all rows."""
        try:
            async with self._connection.savepoint():
                written = await self._connection.execute(statement, values)
                if written != expected:
                    raise db.NotWritten(f"{written} of {expected} rows were written")
        except db.ROW_ERRORS as error:
            return error
        return None

    def _field_errors(self, error: Exception) -> Sequence[FieldError]:
        errors: Sequence[FieldError] = ()
        if isinstance(error, db.DatabaseError):
            errors = rejected_fields(error, self._serializer, self._statements.dialect)
        if errors:
            return errors
        messages = (message for type_, message in _MESSAGES if isinstance(error, type_))
        return [{"field": WHOLE_ROW, "message": next(messages, _OTHER_MESSAGE)}]


class SessionRowsWriter(RowsWriter):
    """Writes the staged rows of one upload by ORM sessions, for models that need them.

    The rows are read from the staging table range by range, made into instances and flushed: in the
    worker thread on SQLite, between awaits on PostgreSQL.

    Args:
        connection: The connection, inside the transaction.
        statements: The statements of the upload.
        serializer: The serializer of the resource, for the field names of errors.
        writes: Creates, loads and changes instances.
        keep_going: Whether to search for the rejected rows; otherwise the first error is raised.
    """

    range_size = 100

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
        self._staging = statements.staging
        self._readers = [self._reader(field) for field in self._staging.fields]

    async def write_rows(self, step: WriteStep) -> None:
        """Write the rows of a step; skip those that are rejected, and record them."""
        await self._write_ranges(step)

    async def _try_range(self, step: WriteStep, lines: Sequence[int]) -> Exception | None:
        values = (step.status, lines[0], lines[-1])
        rows = await self._connection.fetch_all(self._statements.staged_rows, values)
        if len(rows) != len(lines):
            return db.NotWritten(f"{len(rows)} of {len(lines)} rows still have their key")
        try:
            async with self._connection.savepoint():
                await run_in_session(self._connection, partial(self._write_instances, step, rows))
        except (*db.ROW_ERRORS, ValidationFailed, Conflict) as error:
            return error
        return None

    def _write_instances(self, step: WriteStep, rows: Sequence[Row], session: Session) -> None:
        timestamps = {field.attribute: value for field, value in step.timestamps}
        for line, id_, mask, renamed, *values in rows:
            attributes = {**self._attributes(mask, values), **timestamps}
            if step.status == CREATED:
                attributes[self._statements.key.attribute] = id_
                session.add(self._writes.make(attributes))
                continue
            instance = self._writes.load(session, (id_,))
            if instance is None:
                raise db.NotWritten(f"the stored row of line {line} does not exist any more")
            unwritten = self._unwritten(step, renamed=renamed)
            changes = {name: v for name, v in attributes.items() if name not in unwritten}
            self._writes.assign(instance, changes)

    def _unwritten(self, step: WriteStep, *, renamed: bool) -> Collection[str]:
        """Return the attributes of a stored row that a step does not write."""
        statements = self._statements
        if step.status == RENAMED:
            return {field.attribute for field in self._staging.fields} - statements.renamable
        return (
            statements.unchangeable - statements.renamable if renamed else statements.unchangeable
        )

    def _attributes(self, mask: int, values: Sequence[Any]) -> dict[str, Any]:
        """Return the Python values of the attributes that a row has values for."""
        fields = zip(self._staging.fields, self._readers, values, strict=True)
        return {
            field.attribute: None if value is None else read(value)
            for field, read, value in fields
            if self._staging.in_mask(mask, field)
        }

    def _reader(self, field: Field) -> Callable[[Any], Any]:
        dialect = self._statements.dialect
        if isinstance(field.column.type, JSON) and capabilities_of(dialect).parsed_json:
            return json.loads  # The staging table has its text.
        return python_reader(field.column.type, dialect)

    def _field_errors(self, error: Exception) -> Sequence[FieldError]:
        if not isinstance(error, ApiError):
            return super()._field_errors(error)
        errors = [item for item in error.errors if not isinstance(item, str)]
        return errors or [{"field": WHOLE_ROW, "message": error.message}]
