"""Row results: for each record, the entry to send, or why it is not sent."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.records import Record
from client.importing.rows.conditions import compile_conditions
from client.importing.rows.external_ids import encode_entry
from client.importing.rows.natural_keys import create_natural_keys
from client.importing.rows.row_error import RowError
from client.importing.rows.row_mapper import RowMapper
from client.importing.rows.unseen_columns import UnseenColumns


class RejectedRow(NamedTuple):
    """A row that was not imported."""

    record: Record
    reason: str


class RowResult(NamedTuple):
    """A record with an entry to send, a reason for its rejection, or neither."""

    record: Record
    entry: bytes = b""
    """JSON."""
    reason: str = ""
    is_skipped: bool = False
    """Whether the mapping skips it; otherwise, without entry and reason, it is before ``since``."""


class RowProcessor:
    """Processes the records of one reading of the source, in order.

    Args:
        mapping: Names and notations of the external system.
        source: The first half of natural keys.
        since: The first day requested; None for all.
        columns: Those of CSV; empty for JSON.

    Raises:
        SourceError: A column of CSV is missing, unknown or duplicate.
        ConfigurationError: A value in the mapping is invalid.
    """

    def __init__(
        self, mapping: FieldMapping, source: str, since: date | None, columns: Sequence[str] = ()
    ) -> None:
        self.mapper = RowMapper(mapping, columns)
        self._is_skipped = compile_conditions(mapping, self.mapper.columns)
        self._unseen = UnseenColumns(mapping, columns)
        self._keys = create_natural_keys(mapping, self.mapper.columns, source)
        self._since = since

    def process(self, record: Record) -> RowResult:
        """Map a record, set its natural key and encode it."""
        if record.error:
            return RowResult(record, reason=record.error)
        if record.skipped:
            return RowResult(record, is_skipped=True)
        row = record.values
        try:
            is_skipped = self._is_skipped is not None and self._is_skipped(row)
            if not self._unseen.is_complete:
                self._unseen.observe(row, is_skipped=is_skipped)
            if is_skipped:
                return RowResult(record, is_skipped=True)
            entry = self.mapper.map_row(row)
            if self._since and entry.last_day and entry.last_day < self._since:
                return RowResult(record)
            fields = entry.fields
            self._keys.complete(fields, row)
            return RowResult(record, encode_entry(fields))
        except RowError as error:
            return RowResult(record, reason=str(error))

    def finish(self) -> None:
        """Validate, after the last record, that all columns of the mapping exist.

        Raises:
            SourceError: No row of JSON has one of them.
        """
        self._unseen.check()
