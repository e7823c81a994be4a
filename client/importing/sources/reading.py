"""Reads the records of a source, from its first one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.options import ImportOptions
from client.importing.reading.records import Records, read_records
from client.importing.reading.text import decode_text
from client.importing.sources.file_formats import choose_format
from client.importing.sources.source import OpenSource, Source


class OpenRecords(NamedTuple):
    """The records of an open source."""

    records: Records
    file_format: str
    content: OpenSource

    @property
    def bytes_read(self) -> int | None:
        """Bytes read so far, if known."""
        try:
            return self.content.content.tell()
        except (OSError, ValueError):
            return None

    @property
    def size(self) -> int | None:
        """Bytes of the whole source, if known."""
        return self.content.size


@contextmanager
def open_records(
    source: Source, mapping: FieldMapping, options: ImportOptions, *, reopen: bool
) -> Iterator[OpenRecords]:
    """Open a source and read its records lazily.

    Args:
        source: The source.
        mapping: How it is written.
        options: Its ``file_format`` overrides the format of the source.
        reopen: Whether the source may have to be opened once more.

    Raises:
        SourceError: The source cannot be read.
        UsageError: Its format is unknown.
    """
    with source.open(reopen=reopen) as opened:
        file_format = choose_format(
            mapping.format, options.file_format, opened.file_format, mapping.source or source.name
        )
        with decode_text(opened.content, mapping.encoding, opened.charset) as stream:
            records = read_records(stream, file_format, mapping)
            yield OpenRecords(records, file_format, opened)
