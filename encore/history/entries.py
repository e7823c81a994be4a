"""Entries of a history as JSON: who changed a row, when, and the fields that differ."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from encore.database.history.recorded_table import (
    BASELINE,
    COLUMNS,
    CREATE,
    DELETE,
    OPERATION,
    UPDATE,
)
from encore.database.statement import Row
from encore.options import RESTORE
from encore.resource.definition import ResourceDefinition
from encore.resource.histories import ResourceHistory
from encore.types import format_timestamp
from encore.validation.unchanged import decode_record

_WIDTH: Final = len(COLUMNS)
_OPERATION_AT: Final = COLUMNS.index(OPERATION)

Entry = Mapping[str, Any]
Changes = dict[str, Mapping[str, Any]]


class EntrySerializer:
    """Makes the JSON of entries.

    Args:
        resource: The resource.
        history: Its history.

    Attributes:
        names: The fields that entries show: those that callers may see and that are recorded.
    """

    def __init__(self, resource: ResourceDefinition, history: ResourceHistory) -> None:
        self._serializer = resource.serializer
        self.names = tuple(
            name
            for name, field in resource.serializer.shown.items()
            if not field.computed and field not in history.excluded
        )
        deletes = resource.soft_delete
        self._deleted_at = None if deletes is None else list(resource.fields).index(deletes)

    def entries(self, rows: Sequence[Row], count: int) -> list[Entry]:
        """Return the first ``count`` entries of rows, the newest first.

        Args:
            rows: The entries as the database returned them. One more than ``count`` shows what
                was before the last.
            count: How many entries to return.
        """
        return [
            self._entry(row, rows[place + 1] if place + 1 < len(rows) else None)
            for place, row in enumerate(rows[:count])
        ]

    def image(self, row: Row) -> Mapping[str, Any]:
        """Return the fields of an entry's version, as JSON shows them."""
        (record,) = self._serializer.read_rows((row[_WIDTH:],))
        shown = decode_record(record)
        return {name: shown[name] for name in self.names}

    def is_deletion(self, row: Row) -> bool:
        """Return whether there was no row after an entry, or it was marked as deleted."""
        place = None if self._deleted_at is None else _WIDTH + self._deleted_at
        return row[_OPERATION_AT] == DELETE or (place is not None and row[place] is not None)

    def _entry(self, row: Row, previous: Row | None) -> Entry:
        """Return an entry; ``previous`` is the row's entry before it, if that is known."""
        sequence, operation, at, _, issuer, subject, client, request_id = row[:_WIDTH]
        return {
            "sequence": sequence,
            "operation": self._operation(row, previous),
            "at": format_timestamp(at) if isinstance(at, datetime) else at,
            "issuer": issuer,
            "subject": subject,
            "client": client,
            "requestId": request_id,
            "changes": self._changes(operation, row, previous),
        }

    def _operation(self, row: Row, previous: Row | None) -> str:
        """Return the operation; an update that marks a row as deleted is called ``delete``."""
        operation: str = row[_OPERATION_AT]
        if self._deleted_at is None or previous is None or operation != UPDATE:
            return operation
        place = _WIDTH + self._deleted_at
        match previous[place] is None, row[place] is None:
            case True, False:
                return DELETE
            case False, True:
                return RESTORE
        return operation

    def _changes(self, operation: str, row: Row, previous: Row | None) -> Changes:
        """Return the fields that differ; ``before`` is missing where it is unknown."""
        image = self.image(row)
        if operation == DELETE:  # Its entry repeats the last version.
            return {name: {"before": value, "after": None} for name, value in image.items()}
        if operation == CREATE:
            return {name: {"before": None, "after": value} for name, value in image.items()}
        if operation == BASELINE or previous is None:
            return {name: {"after": value} for name, value in image.items()}
        before = self.image(previous)
        return {
            name: {"before": before[name], "after": value}
            for name, value in image.items()
            if value != before[name]
        }
