"""The report of a dry run or preview: first rows, hours by person and month, rejected rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.preview.hours import HoursByMonth
from client.importing.preview.sample import Sample, record_position
from client.importing.preview.text_table import format_table, shorten
from client.importing.rows.row_results import RejectedRow
from client.importing.uploading.batches import Batch

MAX_REJECTED: Final = 10
MIN_WIDTH: Final = 40
_CELL: Final = 40

_DECODER: Final = msgspec.json.Decoder()


class PreviewReport:
    """Collects what is shown; its memory does not grow with the source.

    Args:
        mapping: The mapping.
    """

    def __init__(self, mapping: FieldMapping) -> None:
        self._mapping = mapping
        self.clear()

    def clear(self) -> None:
        """Forget all rows: the source is read from its start once more."""
        self._sample = Sample(self._mapping)
        self._hours = HoursByMonth()
        self._mapped = 0
        self._rejected: list[RejectedRow] = []
        self._rejected_total = 0
        self._withdrawn: Sequence[Mapping[str, Any]] = ()
        self._withdrawn_total: int | None = None

    @property
    def has_withdrawals(self) -> bool:
        """Whether it is known what a replacement withdraws."""
        return self._withdrawn_total is not None

    def set_withdrawn(self, entries: Sequence[Mapping[str, Any]], total: int) -> None:
        """Set what a replacement would withdraw.

        Args:
            entries: The first of them.
            total: Their number.
        """
        self._withdrawn, self._withdrawn_total = entries, total

    def add_batch(self, batch: Batch, rejected: Iterable[RejectedRow]) -> None:
        """Add the rows of a batch.

        Args:
            batch: Its entries are what the mapping made, also those that the API rejects.
            rejected: By the mapping or by the API.
        """
        for record, line in zip(batch.records, batch.body.splitlines(), strict=True):
            entry: dict[str, Any] = _DECODER.decode(line)
            self._mapped += 1
            self._sample.add(record, entry)
            if self._mapping.target.is_timesheets:
                self._hours.add(entry)
        for row in rejected:
            self._rejected_total += 1
            if len(self._rejected) < MAX_REJECTED:
                self._rejected.append(row)

    def format(self, width: int) -> str:
        """Return the report as text.

        Args:
            width: Of the terminal, in columns.
        """
        width = max(width, MIN_WIDTH)
        blocks = [
            ("First rows: what the mapping reads => what is sent", self._sample.format(width)),
            (f"Hours of {_rows(self._mapped)} that the mapping accepts", self._hours.format()),
            (f"Rejected: {_rows(self._rejected_total)}", self._format_rejected(width)),
            ("Would be withdrawn, as the source no longer has it", self._format_withdrawn()),
        ]
        return "\n\n".join(f"{title}\n\n" + "\n".join(lines) for title, lines in blocks if lines)

    def _format_rejected(self, width: int) -> list[str]:
        if not self._rejected:
            return []
        header = ("line", "reason")
        rows = [(record_position(row.record), row.reason) for row in self._rejected]
        longest = max(len(line) for line, _ in [header, *rows])
        table = [(line, shorten(reason, width - longest - 2)) for line, reason in rows]
        lines = format_table(header, table, right=(0,))
        if more := self._rejected_total - len(self._rejected):
            lines.append(f"... and {more} more")
        return lines

    def _format_withdrawn(self) -> list[str]:
        if not self._withdrawn:
            return []
        names = list(self._withdrawn[0])
        rows = [
            [shorten(str(entry.get(name, "")), _CELL) for name in names]
            for entry in self._withdrawn
        ]
        lines = format_table(names, rows)
        if more := (self._withdrawn_total or 0) - len(rows):
            lines.append(f"... and {more} more")
        return lines


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
