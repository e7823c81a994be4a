"""Row results: for each record, the entry to send, or the reason why it is rejected or skipped."""

from datetime import date
from typing import NamedTuple

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.records import Record
from client.importing.rows.external_ids import ExternalIds, encode_entry
from client.importing.rows.row_mapper import RowError, RowMapper


class RejectedRow(NamedTuple):
    """A row that was not imported."""

    record: Record
    reason: str


class RowResult(NamedTuple):
    """A record with an entry to send, a reason for its rejection, or neither: it is skipped."""

    record: Record
    entry: bytes = b""
    """JSON."""
    reason: str = ""


class RowProcessor:
    """Processes the records of one reading of the source, in order.

    Args:
        mapping: Names and notations of the external system.
        source: The first half of natural keys.
        since: The first day requested; None for all.
    """

    def __init__(self, mapping: FieldMapping, source: str, since: date | None) -> None:
        self.mapper = RowMapper(mapping)
        self._external_ids = ExternalIds(source)
        self._since = since

    def process(self, record: Record) -> RowResult:
        """Map a record, set its natural key and encode it."""
        if record.error:
            return RowResult(record, reason=record.error)
        if record.skipped:
            return RowResult(record)
        try:
            entry = self.mapper.map_row(record.values)
            if self._since and entry.last_day and entry.last_day < self._since:
                return RowResult(record)
            self._external_ids.assign(entry.fields)
            return RowResult(record, encode_entry(entry.fields))
        except RowError as error:
            return RowResult(record, reason=str(error))
