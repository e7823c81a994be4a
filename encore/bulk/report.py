"""The report of a bulk write of an array: the result of each row, as an upload reports it."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from encore.bulk.context import BulkContext
from encore.bulk.errors import error_of_rows
from encore.bulk.row_actions import BulkRow
from encore.errors import ApiError, FieldError
from encore.execution.resource import Resource
from encore.serializers.records import encode
from encore.serializers.stored_text import wire_value
from encore.uploads.formats import WHOLE_ROW
from encore.uploads.parameters import ATOMIC, PARTIAL
from encore.uploads.responses import MAX_LISTED, NOTHING_WRITTEN
from encore.uploads.staging_table import REJECTED, STATUSES

_SERVER_ERROR: Final = 500


class RowResult(msgspec.Struct):
    """The result of one row.

    Attributes:
        line: The position of the row in the array, from 1.
        status: One of ``STATUSES``.
        id: The key of the stored row: its value, or an object if it has several fields. Unset if
            the row is rejected, or its key is not shown.
        errors: The errors of a rejected row.
    """

    line: int
    status: str
    id: Any | UnsetType = UNSET
    errors: Sequence[FieldError] | UnsetType = UNSET


class Report:
    """The results of the rows of one array.

    Args:
        resource: The resource.
        context: The context of the request.
    """

    def __init__(self, resource: Resource, context: BulkContext) -> None:
        self._resource = resource
        self._context = context
        self._rows: list[RowResult] = []
        self._first_error: ApiError | None = None
        self._counts = dict.fromkeys(STATUSES, 0)
        self.representations: list[bytes] = []

    def add(self, line: int, status: str, row: BulkRow) -> None:
        """Add a row that was written."""
        self._counts[status] += 1
        if not self._context.rejected_only:
            self._rows.append(RowResult(line, status, self._id_of(row)))
        if row.represented:
            self.representations.append(row.representation)

    def reject(self, line: int, error: ApiError) -> None:
        """Add a row that was rejected. Raise the error if it is not one of the row."""
        if error.status >= _SERVER_ERROR:
            raise error
        self._first_error = self._first_error or error
        self._counts[REJECTED] += 1
        errors: list[FieldError] = [e for e in error.errors if not isinstance(e, str)]
        errors = errors or [{"field": WHOLE_ROW, "message": error.message}]
        self._rows.append(RowResult(line, REJECTED, errors=errors))

    def check_rejected(self, total: int) -> None:
        """Raise the error of the whole request if any row is rejected."""
        if self._first_error is None:
            return
        rejected = [row for row in self._in_order() if row.status == REJECTED]
        listed = rejected[:MAX_LISTED]
        errors: list[FieldError] = [
            {"field": error["field"], "message": f"line {row.line}: {error['message']}"}
            for row in listed
            for error in (row.errors or ())
        ]
        message = f"{len(rejected)} of {total} rows rejected: {NOTHING_WRITTEN}"
        members = {**self._counts, "rows": listed}
        raise error_of_rows(self._first_error, message, errors, members)

    def encode(self) -> bytes:
        """Return the report as JSON."""
        return encode(
            {
                **self._counts,
                "mode": PARTIAL if self._context.is_partial else ATOMIC,
                "dry_run": self._context.is_dry_run,
                "rows": self._in_order(),
            }
        )

    def _in_order(self) -> list[RowResult]:
        """Return the results by line: rows that name no row are rejected before others."""
        return sorted(self._rows, key=attrgetter("line"))

    def _id_of(self, row: BulkRow) -> Any:
        fields, stored = self._resource.fields, row.stored
        if not stored or any(f.name not in self._resource.serializer.shown for f in fields.key):
            return UNSET
        key = stored if len(stored) == len(fields.key) else fields.key_of(stored)
        values = {f.name: _shown(f, v) for f, v in zip(fields.key, key, strict=True)}
        return values if len(values) > 1 else next(iter(values.values()))


def _shown(field: Any, value: Any) -> Any:
    try:
        return wire_value(field, value)
    except Exception:  # noqa: BLE001 - codecs run code of column types
        return None
