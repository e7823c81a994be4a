"""Rows: from what a body says to what the stage takes; each value checked, each hook asked.

This runs in a worker thread, some hundreds of rows at a time.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET
from sqlalchemy.sql.schema import CallableColumnDefault

from encore.database.statement import Row
from encore.errors import BadRequest, FieldError
from encore.models.fields import Field
from encore.models.types import Codec, InvalidValue
from encore.resource.locations import Locations
from encore.uploads.formats import Rows, Unreadable
from encore.uploads.hooks import RowHook, UploadContext, UploadedRow
from encore.uploads.responses import SHOWN_OF_TOO_MANY, ReportRow, TooManyRejected
from encore.uploads.staging_table import CREATED, REJECTED, StagingTable
from encore.validation.body import NULL_VIOLATION, ValidationErrors
from encore.validation.members import AllowedMembers, report_read_only

if TYPE_CHECKING:
    from encore.models.types.codec import Converter

AT_A_TIME: Final = 256
"""How many rows are made between two looks of the event loop."""

HINTED: Final = 100
"""In how many rejected rows unknown members are reported with the nearest known name."""

_NO_OBJECT: Final = Unreadable.because("The row must be a JSON object")
_KEPT_SHAPES: Final = 1_000
_encode: Final = msgspec.json.Encoder().encode


class _Shape:
    """What rows that have the same attributes have in common.

    Args:
        given: The attributes, as the row hook leaves them.
        stage: What the rows are for.
        required: The fields that a row must have.
    """

    __slots__ = ("_convert", "_initial", "_mask", "_missing", "_template")

    def __init__(
        self, given: tuple[str, ...], stage: StagingTable, required: Iterable[Field]
    ) -> None:
        self._mask = stage.mask(given)
        self._missing = [f for f in required if f.attribute not in given]
        self._convert: list[tuple[int, str, Converter | None]] = []
        self._initial: list[tuple[int, Field]] = []
        self._template: list[Any] = [None, CREATED, None, self._mask, None]
        for place, field in enumerate(stage.fields, start=len(self._template)):
            value = None
            if field.attribute in given:
                self._convert.append((place, field.attribute, field.codec.to_driver))
            elif (value := field.default_value()) is UNSET:
                value = None
            elif isinstance(field.column.default, CallableColumnDefault):
                self._initial.append((place, field))
            self._template.append(field.codec.driver_value(value))

    def check(self, row: UploadedRow) -> None:
        """Note what the row lacks and must not, unless something is wrong with that already."""
        if self._missing:
            wrong = {error["field"] for error in row.errors.found}
            for field in self._missing:
                if field.name not in wrong:
                    row.errors.add(field.name, NULL_VIOLATION, "cannot be null", field.label)

    def staged(self, row: UploadedRow) -> Row:
        """Give a row that is right as the stage takes it: completed by the model's own values."""
        staged, attributes = self._template.copy(), row.attributes
        staged[0] = row.line
        for place, name, convert in self._convert:
            value = attributes[name]
            staged[place] = value if convert is None or value is None else convert(value)
        for place, field in self._initial:
            staged[place] = field.codec.driver_value(field.default_value())
        return staged


class RowMaker:
    """Makes the stage's rows for one resource.

    Args:
        stage: What they are for.
        creatable: The fields that callers may write.
        nameable: The fields that errors may name; others that lack a value are the database's
            to refuse.
        locations: The paths of the rows, which no value may spoil.
        members: What a row may hold.
    """

    def __init__(
        self,
        stage: StagingTable,
        creatable: Sequence[Field],
        nameable: Collection[Field],
        locations: Locations,
        members: AllowedMembers,
    ) -> None:
        self._stage = stage
        self._members = members
        self._required = [f for f in stage.fields if f.required and f in nameable]
        check = locations.checked
        self._from_json = {f.name: (f.attribute, check(f, f.codec.from_json), f) for f in creatable}
        self._from_text = {
            f.name: (f.attribute, check(f, _from_text(f.codec)), f) for f in creatable
        }
        self._nulls = (None,) * len(stage.fields)
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def read(
        self, context: UploadContext, line: int, body: dict[str, Any], *, hint: bool = True
    ) -> UploadedRow:
        """Read the writable fields of one row; ``hint`` as in ``AllowedMembers.check``."""
        row = UploadedRow(context, line, {}, ValidationErrors())
        readers = self._from_text if context.request.format.is_text else self._from_json
        attributes = row.attributes
        others = False
        for name, value in body.items():
            reader = readers.get(name)
            if reader is None:
                others = True
                continue
            attribute, read, field = reader
            if value is not None:
                try:
                    attributes[attribute] = read(value)
                except InvalidValue as refusal:
                    row.errors.add(name, refusal.type_, str(refusal))
            elif field.nullable:
                attributes[attribute] = None
            else:
                row.errors.add(name, NULL_VIOLATION, "cannot be null", field.label)
        if others:
            lenient = context.request.lenient
            for name in self._members.check(body, row.errors, lenient=lenient, hint=hint):
                report_read_only(name, row.errors)
        return row

    def shape(self, row: UploadedRow) -> _Shape:
        """Give what the row has in common with others."""
        given = tuple(row.attributes)
        shape = self._shapes.get(given)
        if shape is None:
            if len(self._shapes) >= _KEPT_SHAPES:
                self._shapes.clear()
            shape = self._shapes[given] = _Shape(given, self._stage, self._required)
        return shape

    def rejected(self, line: int, errors: Sequence[FieldError]) -> Row:
        """Give a row that is rejected as the stage takes it."""
        return (line, REJECTED, _encode(errors).decode(), 0, None, *self._nulls)


class StagedRows:
    """The rows of one upload on their way to the stage.

    Args:
        maker: Makes them.
        context: The upload.
        hook: Completes and judges each.
        most: How many there may be; None for any number.
        strict: Whether a row that is wrong ends the upload at once.
        max_rejected: The most rows that may be rejected.

    Attributes:
        total: How many have passed.
        rejected: How many of those are rejected.
    """

    def __init__(
        self,
        maker: RowMaker,
        context: UploadContext,
        hook: RowHook,
        *,
        most: int | None,
        strict: bool,
        max_rejected: int,
    ) -> None:
        self._maker = maker
        self._context = context
        self._hook = hook
        self._most = most
        self._strict = strict
        self._max_rejected = max_rejected
        self._first_rejected: list[ReportRow] = []
        self.total = 0
        self.rejected = 0

    def batches(self, rows: Rows) -> Iterator[list[Row]]:
        """Make the stage's rows, a batch at a time.

        Raises:
            MalformedBody: As the format's reader does.
            BadRequest: There are too many.
            ValidationFailed: A row is wrong, and all must be right.
            TooManyRejected: More rows are wrong than may be.
        """
        made = map(self._make, rows)
        while batch := list(islice(made, AT_A_TIME)):
            self.total += len(batch)
            if self._most is not None and self.total > self._most:
                raise BadRequest(
                    f"With an Idempotency-Key an upload may have at most {self._most} rows"
                )
            yield batch

    def _make(self, item: tuple[int, Any]) -> Row:
        line, body = item
        if not isinstance(body, dict):
            unreadable = body if isinstance(body, Unreadable) else _NO_OBJECT
            return self._rejected(line, unreadable.errors)
        hint = self.rejected < HINTED
        row = self._maker.read(self._context, line, body, hint=hint)
        self._hook(row)
        shape = self._maker.shape(row)
        shape.check(row)
        errors = row.errors.found
        if not errors:
            return shape.staged(row)
        if self._strict:
            row.errors.check()
        return self._rejected(line, errors)

    def _rejected(self, line: int, errors: Sequence[FieldError]) -> Row:
        self.rejected += 1
        row = self._maker.rejected(line, errors)
        if len(self._first_rejected) < SHOWN_OF_TOO_MANY:
            self._first_rejected.append(ReportRow.of((line, REJECTED, None, row[2])))
        if self.rejected > self._max_rejected:
            raise TooManyRejected(self._max_rejected, self._first_rejected)
        return row


def _from_text(codec: Codec) -> Callable[[Any], Any]:
    # A query may look for a longer text than the column holds; a row may not bring one.
    return codec.from_json if codec.is_text else codec.from_text
