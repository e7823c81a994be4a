"""Reads CSV, NDJSON or JSON text as records, one at a time.

A record has the external system's names and values. A record that cannot be parsed is yielded with
its error if the start of the next one is known; otherwise ``SourceError`` ends the reading.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, TypeVar

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.csv_records import csv_records, read_header
from client.importing.reading.day_columns import expand_days, find_day_columns
from client.importing.reading.json_records import json_records
from client.importing.reading.ndjson_records import ndjson_records
from client.importing.reading.record import REJECTED_COLUMNS, OnElement, Record, Records

__all__ = ["REJECTED_COLUMNS", "Record", "Records", "read_records"]

_T = TypeVar("_T")
_DELIMITERS: Final = {"csv": ",", "tsv": "\t"}


def read_records(
    stream: TextIO, file_format: str, mapping: FieldMapping, on_element: OnElement | None = None
) -> Records:
    """Read records lazily, one at a time.

    Args:
        stream: From ``decode_text``.
        file_format: One of ``FORMATS``, or ``tsv``.
        mapping: Where rows and columns are.
        on_element: Called after each element of an array on the path to the rows of JSON, and
            after each line of NDJSON that has several.

    Raises:
        SourceError: CSV has no header; raised by the rows, the rest cannot be read.
    """
    if file_format in _DELIMITERS:
        return _read_csv(stream, mapping, _DELIMITERS[file_format])
    if file_format == "ndjson":
        return Records((), _translated(ndjson_records(stream, mapping, on_element)))
    envelope: dict[str, Any] = {}
    return Records((), _translated(json_records(stream, mapping, envelope, on_element)), envelope)


def _read_csv(stream: TextIO, mapping: FieldMapping, delimiter: str) -> Records:
    with _translate_errors():
        header = read_header(stream, mapping, delimiter)
    rows = csv_records(header)
    if mapping.day_columns:
        rows = expand_days(rows, find_day_columns(header.columns, mapping.day_columns))
    return Records(header.columns, _translated(rows))


def _translated(rows: Iterator[_T]) -> Iterator[_T]:
    with _translate_errors():
        yield from rows


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise ``SourceError`` for errors of reading, decoding and parsing."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"The source cannot be read: {reason}.") from error
    except RecursionError as error:
        raise SourceError("The source cannot be read: it is nested too deeply.") from error
    except ValueError as error:
        raise SourceError(f"The source cannot be read: {str(error).rstrip('.')}.") from error
