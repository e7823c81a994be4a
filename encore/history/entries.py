"""Entries of a history as JSON: who changed a row, when, and the fields that differ."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from encore.database.history.recorded_table import BASELINE, COLUMNS, CREATE
from encore.database.statement import Row
from encore.resource.histories import ResourceHistory
from encore.serializers.serializer import Serializer
from encore.types import format_timestamp
from encore.validation.unchanged import decode_record

_WIDTH: Final = len(COLUMNS)

Entry = Mapping[str, Any]


class EntrySerializer:
    """Makes the JSON of entries.

    Args:
        serializer: The serializer of the resource's rows.
        history: The history of the resource.

    Attributes:
        names: The fields that entries show: those that callers may see and that are recorded.
    """

    def __init__(self, serializer: Serializer, history: ResourceHistory) -> None:
        self._serializer = serializer
        self.names = tuple(
            name
            for name, field in serializer.shown.items()
            if not field.computed and field not in history.excluded
        )

    def entries(self, rows: Sequence[Row], count: int) -> list[Entry]:
        """Return the first ``count`` entries of rows, the newest first.

        Args:
            rows: The entries as the database returned them. One more than ``count`` shows what
                was before the last.
            count: How many entries to return.
        """
        images = [self.image(row) for row in rows]
        before = [*images[1:], None]
        return [
            self._entry(row, image, previous)
            for row, image, previous in zip(rows[:count], images, before, strict=False)
        ]

    def image(self, row: Row) -> Mapping[str, Any]:
        """Return the fields of an entry's version, as JSON shows them."""
        (record,) = self._serializer.read_rows((row[_WIDTH:],))
        shown = decode_record(record)
        return {name: shown[name] for name in self.names}

    def _entry(
        self, row: Row, image: Mapping[str, Any], previous: Mapping[str, Any] | None
    ) -> Entry:
        sequence, operation, at, exists, issuer, subject, client, request_id = row[:_WIDTH]
        if operation in (BASELINE, CREATE):
            previous = None
        return {
            "sequence": sequence,
            "operation": operation,
            "at": format_timestamp(at) if isinstance(at, datetime) else at,
            "issuer": issuer,
            "subject": subject,
            "client": client,
            "requestId": request_id,
            "changes": _changes(image, previous, is_new=operation == CREATE, exists=bool(exists)),
        }


def _changes(
    image: Mapping[str, Any], previous: Mapping[str, Any] | None, *, is_new: bool, exists: bool
) -> dict[str, dict[str, Any]]:
    """Return the fields that differ; ``before`` is missing where it is unknown."""
    if not exists:  # The entry of a deletion repeats the last version.
        return {name: {"before": value, "after": None} for name, value in image.items()}
    if is_new:
        return {name: {"before": None, "after": value} for name, value in image.items()}
    if previous is None:
        return {name: {"after": value} for name, value in image.items()}
    return {
        name: {"before": previous[name], "after": value}
        for name, value in image.items()
        if value != previous[name]
    }
