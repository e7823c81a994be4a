"""The rows of an upload, from decoded bodies to rows of the staging table: validated one by one.

It runs in a worker thread, some hundreds of rows at a time. ``formats`` decodes the body.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
from encore.uploads.formats import WHOLE_ROW, Rows, UnreadableRow
from encore.uploads.hooks import RowHook, UploadContext, UploadedRow
from encore.uploads.previous_key import PreviousKey
from encore.uploads.responses import MAX_LISTED_OF_TOO_MANY, ReportRow, TooManyRejected
from encore.uploads.staging_table import CREATED, REJECTED, StagingTable
from encore.validation.body import INVALID, NULL_VIOLATION, ValidationErrors
from encore.validation.members import AllowedMembers, report_read_only

if TYPE_CHECKING:
    from encore.models.types.codec import Converter

BATCH_ROWS: Final = 256
"""The rows of a batch; the event loop can run between two batches."""

MAX_HINTED: Final = 100
"""The most rejected rows whose unknown members are reported with the most similar known name."""

_EMPTY: Final = "is empty: it would hold nothing but nulls"
_NOT_AN_OBJECT: Final = UnreadableRow.with_message("The row must be a JSON object")
_MAX_LAYOUTS: Final = 1_000
_encode: Final = msgspec.json.Encoder().encode


class _RowLayout:
    """What rows with values for the same attributes, and with the same flags, have in common.

    Args:
        attributes: The attributes, after the hooks.
        flags: The flags that the hooks have set.
        staging: The staging table.
        required: The fields that a row must have a value for.
    """

    __slots__ = ("_convert", "_copy", "_defaults", "_missing", "_previous", "_template")

    def __init__(
        self,
        attributes: tuple[str, ...],
        flags: tuple[str, ...],
        staging: StagingTable,
        required: Iterable[Field],
    ) -> None:
        self._missing = [f for f in required if f.attribute not in attributes]
        self._copy: list[tuple[int, str]] = []
        self._convert: list[tuple[int, str, Converter]] = []
        self._defaults: list[tuple[int, Field]] = []
        mask = staging.mask_of(attributes, flags)
        self._template: list[Any] = [None, CREATED, None, mask, None]
        self._previous = list(enumerate(staging.previous, start=len(self._template)))
        self._template += [None] * len(self._previous)
        for position, field in enumerate(staging.fields, start=len(self._template)):
            value = None
            if field.attribute in attributes:
                if field.codec.to_driver is None:
                    self._copy.append((position, field.attribute))
                else:
                    self._convert.append((position, field.attribute, field.codec.to_driver))
            elif (value := field.default_value()) is UNSET:
                value = None
            elif isinstance(field.column.default, CallableColumnDefault):
                self._defaults.append((position, field))
            self._template.append(field.codec.driver_value(value))

    def check_missing(self, row: UploadedRow) -> None:
        """Add an error for each required field that has neither a value nor an error."""
        if self._missing:
            invalid = {error["field"] for error in row.errors.found}
            for field in self._missing:
                if field.name not in invalid:
                    row.errors.add(field.name, NULL_VIOLATION, "cannot be null", field.label)

    def to_staged(self, row: UploadedRow) -> Row:
        """Return a valid row for the staging table, with the defaults of the model."""
        staged, attributes = self._template.copy(), row.attributes
        staged[0] = row.line
        for position, name in self._copy:
            staged[position] = attributes[name]
        for position, name, convert in self._convert:
            if (value := attributes[name]) is not None:
                staged[position] = convert(value)
        for position, field in self._defaults:
            staged[position] = field.codec.driver_value(field.default_value())
        if row.previous_key:
            for position, field in self._previous:
                staged[position] = field.codec.driver_value(row.previous_key.get(field.attribute))
        return staged


class RowMaker:
    """Parses bodies into rows, and makes rows of the staging table, for one resource.

    Args:
        staging: The staging table.
        creatable: The fields that callers may write.
        nameable: The fields that errors may name; a missing value of any other field is left to
            the database.
        locations: The item paths, which restrict the values of fields in them.
        members: The members that a row may have.
        previous_key: The members of a row's previous key.
        rejects_empty: Whether a row must have a field that callers may write.

    Attributes:
        previous_key: The same.
        rejects_empty: The same.
    """

    def __init__(
        self,
        staging: StagingTable,
        creatable: Sequence[Field],
        nameable: Collection[Field],
        locations: Locations,
        *,
        members: AllowedMembers,
        previous_key: PreviousKey,
        rejects_empty: bool,
    ) -> None:
        self._staging = staging
        self.previous_key = previous_key
        self._members = members
        self.rejects_empty = rejects_empty
        self._required = [f for f in staging.fields if f.required and f in nameable]
        check = locations.checked
        self._from_json = {f.name: (f.attribute, check(f, f.codec.from_json), f) for f in creatable}
        self._from_text = {
            f.name: (f.attribute, check(f, _from_text(f.codec)), f) for f in creatable
        }
        self._nulls = (None,) * (len(staging.fields) + len(staging.previous))
        self._layouts: dict[tuple[Any, ...], _RowLayout] = {}

    def parse_row(
        self, context: UploadContext, line: int, body: dict[str, Any], *, hint: bool = True
    ) -> UploadedRow:
        """Parse the writable fields of one row; ``hint`` as in ``AllowedMembers.check``."""
        row = UploadedRow(context, line, {}, ValidationErrors())
        readers = self._from_text if context.request.format.is_text else self._from_json
        attributes = row.attributes
        has_others = False
        for name, value in body.items():
            reader = readers.get(name)
            if reader is None:
                has_others = True
                continue
            attribute, read, field = reader
            if value is not None:
                try:
                    attributes[attribute] = read(value)
                except InvalidValue as error:
                    row.errors.add(name, error.type_, str(error))
            elif field.nullable or field.autoincrement:
                attributes[attribute] = None
            else:
                row.errors.add(name, NULL_VIOLATION, "cannot be null", field.label)
        if has_others:
            if self.previous_key.members:
                self.previous_key.parse(row, body)
            lenient = context.request.lenient
            for name in self._members.check(body, row.errors, lenient=lenient, hint=hint):
                report_read_only(name, row.errors)
        return row

    def check_not_empty(self, row: UploadedRow, body: Mapping[str, Any]) -> None:
        """Add an error to a row without a field that callers may write."""
        if self._members.written.isdisjoint(body):
            row.errors.add(WHOLE_ROW, INVALID, _EMPTY, "The row")

    def layout_of(self, row: UploadedRow) -> _RowLayout:
        """Return the layout of a row, built once for rows with the same attributes and flags."""
        attributes = tuple(row.attributes)
        key: tuple[Any, ...] = (attributes, row.flags) if row.flags else attributes
        layout = self._layouts.get(key)
        if layout is None:
            if len(self._layouts) >= _MAX_LAYOUTS:
                self._layouts.clear()
            layout = _RowLayout(attributes, row.flags, self._staging, self._required)
            self._layouts[key] = layout
        return layout

    def rejected_row(self, line: int, errors: Sequence[FieldError]) -> Row:
        """Return a rejected row for the staging table."""
        return (line, REJECTED, _encode(errors).decode(), 0, None, *self._nulls)


class RowLoader:
    """Makes the staging table's rows of one upload.

    Args:
        maker: Makes the rows of the resource.
        context: The upload.
        hook: Completes and validates each row.
        max_rows: The most rows; None for any number.
        strict: Whether an invalid row raises its errors.
        max_rejected: The most rows that may be rejected.

    Attributes:
        total: The number of rows so far.
        rejected: The number of rejected rows so far.
        has_previous: Whether a row so far has a previous key.
    """

    def __init__(
        self,
        maker: RowMaker,
        context: UploadContext,
        hook: RowHook,
        *,
        max_rows: int | None,
        strict: bool,
        max_rejected: int,
    ) -> None:
        self._maker = maker
        self._context = context
        self._hook = hook
        self._max_rows = max_rows
        self._strict = strict
        self._max_rejected = max_rejected
        self._first_rejected: list[ReportRow] = []
        self.total = 0
        self.rejected = 0
        self.has_previous = False

    def batches(self, rows: Rows) -> Iterator[list[Row]]:
        """Iterate over the staging table's rows, batch by batch.

        Raises:
            MalformedBody: As the reader of the format does.
            BadRequest: There are more rows than ``max_rows``.
            ValidationFailed: A row is invalid, and ``strict`` is set.
            TooManyRejected: More rows are rejected than ``max_rejected``.
        """
        staged = map(self._stage_row, rows)
        while batch := list(islice(staged, BATCH_ROWS)):
            self.total += len(batch)
            if self._max_rows is not None and self.total > self._max_rows:
                raise BadRequest(
                    f"With an Idempotency-Key an upload may have at most {self._max_rows} rows,"
                    " unless mode=atomic and report=rejected"
                )
            yield batch

    def _stage_row(self, item: tuple[int, Any]) -> Row:
        line, body = item
        if not isinstance(body, dict):
            unreadable = body if isinstance(body, UnreadableRow) else _NOT_AN_OBJECT
            return self._reject(line, unreadable.errors)
        hint = self.rejected < MAX_HINTED
        row = self._maker.parse_row(self._context, line, body, hint=hint)
        if self._maker.rejects_empty:
            self._maker.check_not_empty(row, body)
        self._hook(row)
        if row.previous_key:
            self.has_previous = True
            self._maker.previous_key.check_complete(row)
        layout = self._maker.layout_of(row)
        layout.check_missing(row)
        errors = row.errors.found
        if not errors:
            return layout.to_staged(row)
        if self._strict:
            row.errors.check()
        return self._reject(line, errors)

    def _reject(self, line: int, errors: Sequence[FieldError]) -> Row:
        self.rejected += 1
        row = self._maker.rejected_row(line, errors)
        if len(self._first_rejected) < MAX_LISTED_OF_TOO_MANY:
            self._first_rejected.append(ReportRow.of((line, REJECTED, None, row[2])))
        if self.rejected > self._max_rejected:
            raise TooManyRejected(self._max_rejected, self._first_rejected)
        return row


def _from_text(codec: Codec) -> Callable[[Any], Any]:
    # A query may contain a longer string than the column holds; a row may not.
    return codec.from_json if codec.is_text else codec.from_text
