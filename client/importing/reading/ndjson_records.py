"""Reads NDJSON as records: each line is a row, or has the rows that ``rows`` leads to."""

import json
from collections.abc import Generator, Iterator
from typing import Any, TextIO

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.json_values import StrictDecoder, build_record, is_rejected_row
from client.importing.reading.mapped_names import mapped_names
from client.importing.reading.missing_rows import rows_not_found
from client.importing.reading.record import Element, OnElement, Record
from client.importing.reading.row_paths import RowFinder, list_places, parse_path, without_rows
from client.importing.reading.text import read_lines


def ndjson_records(
    stream: TextIO, mapping: FieldMapping, on_element: OnElement | None = None
) -> Iterator[Record]:
    """Yield the rows; a line that is not JSON is a record with an error.

    A line in which the path of the rows does not lead to its end is a skipped record.

    Raises:
        SourceError: It leads to its end in no line.
    """
    path = parse_path(mapping.rows)
    finder = RowFinder(path, mapped_names(mapping))
    decoder = StrictDecoder()
    without: Any = None
    for line, text in enumerate(read_lines(stream), 1):
        raw = text.strip()
        if not raw:
            continue
        try:
            value = decoder.decode(raw)
        except RecursionError:
            yield Record(line, {}, raw, "is not JSON: nested too deeply")
        except ValueError as error:
            yield Record(line, {}, raw, f"is not JSON: {str(error).rstrip('.')}")
        else:
            if not path or decoder.duplicate or is_rejected_row(value):
                finder.found = True
                yield build_record(line, value, raw, decoder.duplicate, {})
                continue
            count = yield from _rows_of_line(line, value, finder)
            if on_element and isinstance(value, dict):
                on_element(Element(without_rows(value, path), count, 0))
            if not count:
                without = without or value
                yield Record(line, value if isinstance(value, dict) else {}, raw, skipped=True)
    if without is not None and not finder.found:
        places = [".".join(place) for place in list_places(without, ())]
        raise rows_not_found(mapping.rows, places, without)


def _rows_of_line(line: int, value: Any, finder: RowFinder) -> Generator[Record, None, int]:
    """Yield the rows in the value of a line; return how many there are."""
    count = 0
    for row, outer in finder.find(value):
        count += 1
        yield build_record(line, row, json.dumps(row, ensure_ascii=False), "", outer)
    return count
