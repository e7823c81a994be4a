"""From a source's bytes to what is to become of each record."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import IO, TextIO

from client.importing.batches import Reading
from client.importing.identity import Identifier, encode
from client.importing.mapper import Mapper, RowError
from client.importing.mapping import FieldMapping
from client.importing.records import Record

_UTF_8 = codecs.lookup("utf-8").name


class Reader:
    """Judges the records of one reading, in their order.

    Args:
        mapping: What the user says of the rows.
        source: The first half of natural keys.
        since: The first day that is asked for; None asks for all.
    """

    def __init__(self, mapping: FieldMapping, source: str, since: date | None) -> None:
        self.mapper = Mapper(mapping)
        self._identifier = Identifier(source)
        self._since = since

    def judge(self, record: Record) -> Reading:
        """Give the entry that a record is, or why it is none or not asked for."""
        if record.fault:
            return Reading(record, reason=record.fault)
        try:
            entry = self.mapper.map(record.values)
            if self._since and entry.last_day and entry.last_day < self._since:
                return Reading(record)
            self._identifier.identify(entry.fields)
            return Reading(record, encode(entry.fields))
        except RowError as error:
            return Reading(record, reason=str(error))


@contextmanager
def as_text(content: IO[bytes], encoding: str) -> Iterator[TextIO]:
    """Give bytes as text with its line ends as they are; leave the bytes' stream open.

    Args:
        content: From where it stands.
        encoding: Of UTF-8, a byte order mark is passed over.
    """
    known = codecs.lookup(encoding).name
    text = io.TextIOWrapper(content, "utf-8-sig" if known == _UTF_8 else encoding, newline="")
    try:
        yield text
    finally:
        text.detach()
