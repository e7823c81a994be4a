"""Rows: from what a body says to what the stage takes; each value checked, each hook asked.

This runs in a worker thread, some hundreds of rows at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from api.crud.bodies import NULL, Attributes, Errors
from api.crud.fields import Field
from api.crud.upload.formats import WHOLE_ROW, Rows, Unreadable
from api.crud.upload.stage import CREATED, REJECTED, Stage
from api.crud.values import Codec, Refusal
from api.errors import BadRequest, FieldError
from db.statement import Row

if TYPE_CHECKING:
    from api.crud.upload.context import UploadContext

AT_A_TIME: Final = 256
"""How many rows are made between two looks of the event loop."""

_KEPT_SHAPES: Final = 1_000
_encode: Final = msgspec.json.Encoder().encode


class UploadedRow:
    """One row of an upload, as the row hook sees it.

    Attributes:
        context: The upload that it belongs to.
        line: Where it stands in the body.
        attributes: Python values under the model's attribute names: what the caller gave of what
            callers may write. The hook may set any attribute.
        errors: Collects what is wrong; a row with errors is rejected.
    """

    __slots__ = ("attributes", "context", "errors", "line")

    def __init__(
        self, context: "UploadContext", line: int, attributes: Attributes, errors: Errors
    ) -> None:
        self.context = context
        self.line = line
        self.attributes = attributes
        self.errors = errors


RowHook = Callable[[UploadedRow], None]


class _Shape:
    """What rows that have the same attributes have in common.

    Attributes:
        mask: The bits of the fields that they give.
        missing: What they lack and must not.
        initial: The model's own values for what they lack, to be asked for each row.
    """

    __slots__ = ("initial", "mask", "missing")

    def __init__(self, given: tuple[str, ...], stage: Stage) -> None:
        self.mask = stage.mask(given)
        self.missing = [f for f in stage.fields if f.required and f.attribute not in given]
        self.initial = [
            f for f in stage.fields if f.attribute not in given and f.initial() is not UNSET
        ]


class RowMaker:
    """Makes the stage's rows for one resource.

    Args:
        stage: What they are for.
        creatable: The fields that callers may write.
    """

    def __init__(self, stage: Stage, creatable: Sequence[Field]) -> None:
        self._stage = stage
        self._from_json = {f.name: (f, f.codec.from_json) for f in creatable}
        self._from_text = {f.name: (f, _from_text(f.codec)) for f in creatable}
        self._columns = [(field.attribute, field.codec.to_driver) for field in stage.fields]
        self._nulls = (None,) * len(stage.fields)
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def read(self, context: "UploadContext", line: int, body: Any, hook: RowHook) -> UploadedRow:
        """Read one row and have the hook complete and judge it."""
        errors = Errors()
        row = UploadedRow(context, line, {}, errors)
        if not isinstance(body, dict):
            return _not_a_row(row)
        self._read_values(row, body, is_text=context.request.format.is_text)
        hook(row)
        for field in self._shape(row).missing:
            if not any(error["field"] == field.name for error in errors.found):
                errors.add(field.name, NULL, "cannot be null", field.label)
        return row

    def _read_values(self, row: UploadedRow, body: dict[str, Any], *, is_text: bool) -> None:
        readers = self._from_text if is_text else self._from_json
        for name, value in body.items():
            reader = readers.get(name)
            if reader is None:
                continue
            field, read = reader
            if value is not None:
                try:
                    row.attributes[field.attribute] = read(value)
                except Refusal as refusal:
                    row.errors.add(name, refusal.kind, str(refusal))
            elif field.nullable:
                row.attributes[field.attribute] = None
            else:
                row.errors.add(name, NULL, "cannot be null", field.label)

    def _shape(self, row: UploadedRow) -> _Shape:
        given = tuple(row.attributes)
        shape = self._shapes.get(given)
        if shape is None:
            if len(self._shapes) >= _KEPT_SHAPES:
                self._shapes.clear()
            shape = self._shapes[given] = _Shape(given, self._stage)
        return shape

    def staged(self, row: UploadedRow) -> Row:
        """Give a row that is right as the stage takes it."""
        shape, attributes = self._shape(row), row.attributes
        for field in shape.initial:
            attributes[field.attribute] = field.initial()
        get = attributes.get
        values = [
            value if (value := get(name)) is None or convert is None else convert(value)
            for name, convert in self._columns
        ]
        return (row.line, CREATED, None, shape.mask, None, *values)

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

    Attributes:
        rejected: How many of those that have passed are rejected.
    """

    def __init__(
        self,
        maker: RowMaker,
        context: "UploadContext",
        hook: RowHook,
        *,
        most: int | None,
        strict: bool,
    ) -> None:
        self._maker = maker
        self._context = context
        self._hook = hook
        self._most = most
        self._strict = strict
        self.rejected = 0

    def batches(self, rows: Rows) -> Iterator[list[Row]]:
        """Make the stage's rows, a batch at a time.

        Raises:
            MalformedBody: As the format's reader does.
            BadRequest: There are too many.
            ValidationFailed: A row is wrong, and all must be right.
        """
        made = map(self._make, rows)
        total = 0
        while batch := list(islice(made, AT_A_TIME)):
            total += len(batch)
            if self._most is not None and total > self._most:
                raise BadRequest(
                    f"With an Idempotency-Key an upload may have at most {self._most} rows"
                )
            yield batch

    def _make(self, item: tuple[int, Any]) -> Row:
        line, body = item
        errors: Sequence[FieldError]
        if isinstance(body, Unreadable):
            errors = body.errors
        else:
            row = self._maker.read(self._context, line, body, self._hook)
            errors = row.errors.found
            if not errors:
                return self._maker.staged(row)
            if self._strict:
                row.errors.check()
        self.rejected += 1
        return self._maker.rejected(line, errors)


def _not_a_row(row: UploadedRow) -> UploadedRow:
    row.errors.add(WHOLE_ROW, "Validation error", "must be a JSON object", "The row")
    return row


def _from_text(codec: Codec) -> Callable[[Any], Any]:
    # A query may look for a longer text than the column holds; a row may not bring one.
    return codec.from_json if codec.is_text else codec.from_text
