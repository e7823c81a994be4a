"""Reads JSON as records: the elements of an array, a single object, or where ``rows`` leads to."""

from collections.abc import Iterator
from typing import Any, TextIO

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.reading.json_rows import RowWalker
from client.importing.reading.json_text import JSONText, TooLongError
from client.importing.reading.json_values import build_record
from client.importing.reading.mapped_names import mapped_names
from client.importing.reading.missing_rows import rows_not_found
from client.importing.reading.record import REJECTED_COLUMNS, OnElement, Record
from client.importing.reading.row_paths import list_places, parse_path
from client.importing.reading.spooled_chunks import SpooledChunks
from client.importing.reading.text import MAX_CHARACTERS


def json_records(
    stream: TextIO,
    mapping: FieldMapping,
    envelope: dict[str, Any],
    on_element: OnElement | None = None,
) -> Iterator[Record]:
    """Yield the rows.

    Args:
        stream: At its start.
        mapping: Its ``rows`` is the path of the rows; without it they are the elements of an array,
            or the only object.
        envelope: Receives the small members around the rows, where the path has them.
        on_element: Called after each element of an array on the path.

    Raises:
        ValueError: The text is not JSON from here on.
        SourceError: The rows cannot be found.
    """
    path, names = parse_path(mapping.rows), mapped_names(mapping)
    with SpooledChunks(stream) as chunks:
        text = JSONText(chunks)
        walker = RowWalker(text, names, on_element)
        first = text.peek()
        if not first:
            raise ValueError("it is empty, which is not JSON")
        if first == "{" and _is_rejected_file(text):
            while text.peek():
                yield from walker.walk((), None)
        elif first == "{" and not path:
            yield _read_only_object(text, walker, names)
        else:
            yield from walker.walk(path, envelope)
        if text.peek():
            raise ValueError("unexpected data after the end of the JSON text")
        if not walker.found:
            raise rows_not_found(mapping.rows, walker.members.places, envelope)


def _read_only_object(text: JSONText, walker: RowWalker, names: frozenset[str]) -> Record:
    """Read an object that is the only row.

    Raises:
        SourceError: It has an array of objects, or nothing that the mapping names: it is an answer
            around the rows.
    """
    try:
        value, raw = text.value(MAX_CHARACTERS)
    except TooLongError:
        walker.members.skip(())
        raise rows_not_found("", walker.members.places) from None
    except ValueError as error:
        raise ValueError(f"row 1 is not JSON: {error}") from error
    if text.peek() == "{":
        raise ValueError(
            "it is several objects, not one JSON text. If each is a line, it is NDJSON: write"
            ' format = "ndjson" in the mapping, or pass --format ndjson'
        )
    places = [".".join(place) for place in list_places(value, ())]
    if places or not names & value.keys():
        places = places or [".".join(place) for place in list_places(value, (), empty=True)]
        raise rows_not_found("", places, value)
    walker.found = True
    return build_record(1, value, raw, text.duplicate, {})


def _is_rejected_file(text: JSONText) -> bool:
    """Return whether the text is a file of rejected rows, which is NDJSON."""
    mark = text.mark()
    try:
        if not text.begin("}") or text.name() != REJECTED_COLUMNS[0] or text.peek() in "[{":
            return False
        text.value(MAX_CHARACTERS)
        return text.proceed("}") and text.name() == REJECTED_COLUMNS[1]
    except ValueError:
        return False
    finally:
        text.reset(mark)
