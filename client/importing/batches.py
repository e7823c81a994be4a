"""Batches: what is sent in one request, and how far the source was read by then."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, NamedTuple

from client.importing.records import Record

MAX_BYTES: Final = 8 << 20
"""A batch is closed when its body is longer, however few its rows."""


class Rejection(NamedTuple):
    """A row that did not get in."""

    record: Record
    reason: str


class Reading(NamedTuple):
    """A record and what became of it: an entry, a reason why it is none, or neither."""

    record: Record
    entry: bytes = b""
    """JSON."""
    reason: str = ""


@dataclass
class Batch:
    """Rows that are sent together, and what lies between them in the source.

    Its body and place are the same whenever the same source is read with the same options.
    """

    position: int
    """Records of the source up to its end."""
    fingerprint: str = ""
    """Of all that was read up to its end."""
    records: list[Record] = field(default_factory=list)
    """Those that are sent, in the order of the body's lines."""
    rejections: list[Rejection] = field(default_factory=list)
    """Those that cannot be sent."""
    skipped: int = 0
    """Rows that are not asked for."""
    body: bytearray = field(default_factory=bytearray)
    """NDJSON."""

    def add(self, reading: Reading) -> None:
        """Take up the next record."""
        self.position += 1
        if reading.entry:
            self.records.append(reading.record)
            self.body += reading.entry
            self.body += b"\n"
        elif reading.reason:
            self.rejections.append(Rejection(reading.record, reading.reason))
        else:
            self.skipped += 1

    def key(self, run: str) -> str:
        """Give the idempotency key: of the run, the batch's place and its content.

        The run is in it so that a later run is answered for what is there by then, not with what
        an earlier one was told.
        """
        return sha256(b"%s %d\n%s" % (run.encode(), self.position, self.body)).hexdigest()


class Fingerprint:
    """A running hash of what was read.

    Args:
        terms: What must be the same as well for the same rows to be sent.
    """

    def __init__(self, terms: str) -> None:
        self._hash = sha256(terms.encode("utf-8", "backslashreplace"))

    def add(self, record: Record) -> None:
        """Take up the next record."""
        raw = record.raw if isinstance(record.raw, str) else "\0".join(record.raw)
        self._hash.update(f"{record.line}\0{raw}\0".encode("utf-8", "backslashreplace"))

    @property
    def value(self) -> str:
        """The hash so far, in hexadecimal."""
        return self._hash.hexdigest()


def make_batches(
    readings: Iterable[Reading], fingerprint: Fingerprint, begin: int, size: int
) -> Iterator[Batch]:
    """Part what is read into batches.

    Args:
        readings: From where an earlier run ended.
        fingerprint: Has taken up each reading that was given.
        begin: Records before that.
        size: The most rows of one batch.
    """
    batch = Batch(begin)
    for reading in readings:
        batch.add(reading)
        full = len(batch.records) + len(batch.rejections) >= size or len(batch.body) >= MAX_BYTES
        if full:
            batch.fingerprint = fingerprint.value
            yield batch
            batch = Batch(batch.position)
    if batch.records or batch.rejections or batch.skipped:
        batch.fingerprint = fingerprint.value
        yield batch
