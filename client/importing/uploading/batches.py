"""Batches: the rows of one request, and the position in the source after them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from client.importing.reading.records import Record
from client.importing.rows.row_results import RejectedRow, RowResult

MAX_BYTES: Final = 8 << 20
"""A batch ends when its body reaches this size, however few its rows."""


@dataclass
class Batch:
    """Consecutive rows of the source: those that are sent in one request, and those that are not.

    Body and position are the same whenever the same source is read with the same options.
    """

    position: int
    """Records of the source up to the end of the batch."""
    fingerprint: str = ""
    """Hash of all records up to the end of the batch."""
    records: list[Record] = field(default_factory=list)
    """Those that are sent, in the order of the body's lines."""
    rejected_rows: list[RejectedRow] = field(default_factory=list)
    """Those that are invalid."""
    skipped: int = 0
    """Rows that the mapping skips."""
    before_since: int = 0
    """Rows earlier than ``since``."""
    body: bytearray = field(default_factory=bytearray)
    """NDJSON."""

    def add(self, result: RowResult) -> None:
        """Append the next record."""
        self.position += 1
        if result.entry:
            self.records.append(result.record)
            self.body += result.entry
            self.body += b"\n"
        elif result.reason:
            self.rejected_rows.append(RejectedRow(result.record, result.reason))
        elif result.is_skipped:
            self.skipped += 1
        else:
            self.before_since += 1

    def idempotency_key(self, run_id: str) -> str:
        """Return the idempotency key: a hash of the run's id, the position and the body.

        With the run's id, a later run gets a new response instead of an earlier run's.
        """
        return sha256(b"%s %d\n%s" % (run_id.encode(), self.position, self.body)).hexdigest()


class Fingerprint:
    """A running hash of the records read.

    Args:
        inputs: Everything else that decides which rows are sent.
    """

    def __init__(self, inputs: str) -> None:
        self._hash = sha256(inputs.encode("utf-8", "backslashreplace"))

    def add(self, record: Record) -> None:
        """Hash the next record."""
        raw = record.raw if isinstance(record.raw, str) else "\0".join(record.raw)
        self._hash.update(f"{record.line}\0{raw}\0".encode("utf-8", "backslashreplace"))

    @property
    def value(self) -> str:
        """The hash so far, in hexadecimal."""
        return self._hash.hexdigest()


def make_batches(
    results: Iterable[RowResult], fingerprint: Fingerprint, start: int, size: int
) -> Iterator[Batch]:
    """Group row results into batches.

    Args:
        results: From where an earlier run stopped.
        fingerprint: Already includes each result's record when it is yielded.
        start: Number of records before the first result.
        size: The most rows of one batch.
    """
    batch = Batch(start)
    for result in results:
        batch.add(result)
        rows = len(batch.records) + len(batch.rejected_rows)
        if rows >= size or len(batch.body) >= MAX_BYTES:
            batch.fingerprint = fingerprint.value
            yield batch
            start = batch.position
            batch = Batch(start)
    if batch.position > start:
        batch.fingerprint = fingerprint.value
        yield batch
