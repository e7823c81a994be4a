"""Reads bytes as records, without a job."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.records import Record, Records, read_records
from client.importing.reading.text import decode_text

FIELDS = {"user_id": "who", "project": "project", "date": "day", "hours": "hours"}


class ReadResult:
    """The records of a source, read to its end or to an error."""

    def __init__(self, content: bytes, file_format: str, mapping: FieldMapping) -> None:
        self.records: list[Record] = []
        self.error: Exception | None = None
        with decode_text(io.BytesIO(content), mapping.encoding) as stream:
            self.source: Records = read_records(stream, file_format, mapping)
            try:
                for record in self.source.rows:
                    self.records.append(record)
            except Exception as error:  # noqa: BLE001 - the test compares it.
                self.error = error

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The values of valid rows."""
        assert self.error is None, self.error
        return [record.values for record in self.records if not (record.error or record.skipped)]

    @property
    def errors(self) -> list[tuple[int, str]]:
        """Lines and reasons of invalid rows."""
        return [(record.line, record.error) for record in self.records if record.error]


Read = Callable[..., ReadResult]


@pytest.fixture(scope="session")
def read() -> Read:
    """Return a function that reads text or bytes."""

    def read_text(content: str | bytes, file_format: str, **mapping: Any) -> ReadResult:
        raw = content.encode() if isinstance(content, str) else content
        return ReadResult(raw, file_format, FieldMapping(**{"fields": FIELDS, **mapping}))

    return read_text
