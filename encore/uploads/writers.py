"""Writing uploaded rows: all at once, or, where the database refuses some, without those.

One statement writes the rows of one status. Only if the database refuses it, or writes fewer rows
than it should (a trigger that skips rows), the rows are written part by part, and the parts that
are refused are halved until each refused row is found. A part sees what the parts before it wrote,
so a row is refused if it would be refused after all earlier rows that were not.
"""

import json
from collections.abc import Callable, Sequence
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
from encore.uploads.staging_table import CREATED
from encore.uploads.statements import UploadStatements

MAX_REFUSED: Final = 1_000
"""The most rows that the database may refuse of one upload; each costs some ten statements."""

_TEXTS: Final[tuple[tuple[type[db.DatabaseError], str], ...]] = (
    (db.UniqueViolation, "The row conflicts with a stored row"),
    (db.ExclusionViolation, "The row conflicts with a stored row"),
    (db.ForeignKeyViolation, "The row refers to no such row"),
    (db.InvalidData, "A value of the row does not fit its column"),
    (db.PermissionDenied, "The database does not permit this row"),
    (db.NotWritten, "The database did not write this row"),
)
_OTHERWISE: Final = "A rule of the database refuses this row"

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Step:
    """Writing the rows of one status.

    Attributes:
        status: Theirs.
        moments: What all rows get alike, as Python values.
    """

    status: str
    moments: Sequence[tuple[Field, Any]]

    @property
    def values(self) -> Values:
        """What its statements take."""
        return tuple(field.codec.driver_value(value) for field, value in self.moments)


class RowsWriter:
    """Writes the staged rows of one upload.

    Args:
        connection: Inside the transaction.
        statements: The upload's.
        serializer: Names the fields of refused rows.
        keep_going: Whether to look for the refused rows; else the database's error is raised.

    Attributes:
        refused: Why the database refuses which lines.
        part_size: How many rows are written at a time, where not all of them at once.
    """

    part_size = 1_000

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
        self.refused: dict[int, Sequence[FieldError]] = {}

    async def write(self, step: Step) -> None:
        """Write the rows of a step; leave out and note those that the database refuses.

        Raises:
            DatabaseError: It failed for another reason.
            ValidationFailed: The database refuses more rows than ``MAX_REFUSED``.
        """
        count = await self._count(step)
        statement = self._statements.whole[step.status]
        error = await self._attempt(statement, step.values, count) if count else None
        if error is None:
            return
        if not self._keep_going:
            raise error
        await self._write_parts(step)

    async def _write_parts(self, step: Step) -> None:
        last = 0
        while lines := await self._lines(step.status, last):
            await self._write_part(step, lines)
            last = lines[-1]

    def check(self) -> None:
        """Raise ``NotWritten`` if the database refused any row."""
        if self.refused:
            raise db.NotWritten(f"{len(self.refused)} rows are refused")

    async def reject(self) -> None:
        """Mark the rows noted as rejected."""
        for line, errors in self.refused.items():
            values = (_encode(errors).decode(), line)
            await self._connection.execute(self._statements.refused, values)

    async def _write_part(self, step: Step, lines: Sequence[int]) -> None:
        parts = [lines]
        while parts:
            part = parts.pop()
            error = await self._attempt_part(step, part)
            if error is None:
                continue
            if not self._keep_going:
                raise error
            if len(part) > 1:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]  # The first half is popped first.
                continue
            self.refused[part[0]] = self._errors(error)
            if len(self.refused) > MAX_REFUSED:
                text = f"The database refuses more than {MAX_REFUSED} rows: nothing is written"
                raise ValidationFailed(text) from error

    async def _attempt_part(self, step: Step, lines: Sequence[int]) -> Exception | None:
        values = (*step.values, lines[0], lines[-1])
        return await self._attempt(self._statements.part[step.status], values, len(lines))

    async def _attempt(
        self, statement: Statement, values: Values, expected: int
    ) -> db.DatabaseError | None:
        """Run a statement, undoing it unless it wrote all rows; return why it did not."""
        try:
            async with self._connection.savepoint():
                written = await self._connection.execute(statement, values)
                if written != expected:
                    raise db.NotWritten(f"{written} of {expected} rows were written")
        except db.ROW_ERRORS as error:
            return error
        return None

    async def _count(self, step: Step) -> int:
        row = await self._connection.fetch_one(self._statements.count_of, (step.status,))
        count: int = row[0] if row is not None else 0
        return count

    async def _lines(self, status: str, last: int) -> list[int]:
        values = (status, last, self.part_size)
        rows = await self._connection.fetch_all(self._statements.lines, values)
        return [row[0] for row in rows]

    def _errors(self, error: Exception) -> Sequence[FieldError]:
        errors: Sequence[FieldError] = ()
        if isinstance(error, db.DatabaseError):
            errors = rejected_fields(error, self._serializer, self._statements.dialect)
        if errors:
            return errors
        text = next((text for kind, text in _TEXTS if isinstance(error, kind)), _OTHERWISE)
        return [{"field": WHOLE_ROW, "message": text}]


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
