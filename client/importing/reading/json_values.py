"""Decodes JSON values strictly, and builds records of them."""

import json
from collections.abc import Mapping
from typing import Any

from client.importing.reading.record import REJECTED_COLUMNS, Record
from encore.client.strict_json import reject_constant


class StrictDecoder:
    """Decodes JSON; NaN and Infinity are errors, and duplicate members are noticed.

    The standard library's decoder returns where a value ends, so that its own text is known.
    """

    def __init__(self) -> None:
        decoder = json.JSONDecoder(
            parse_constant=reject_constant, object_pairs_hook=self._build_object
        )
        self._decode = decoder.decode
        self._raw_decode = decoder.raw_decode
        self.duplicate = ""
        """A member that an object in the last value has more than once; empty for none."""

    def decode(self, text: str) -> Any:
        """Return the value of a whole text.

        Raises:
            ValueError: It is not JSON.
        """
        self.duplicate = ""
        return self._decode(text)

    def decode_at(self, text: str, position: int) -> tuple[Any, int]:
        """Return the value that begins at a position, and the position after it.

        Raises:
            ValueError: There is no JSON, or not all of it.
        """
        self.duplicate = ""
        return self._raw_decode(text, position)

    def _build_object(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(members)
        if len(value) != len(members):
            self.duplicate = duplicate_name(members)
        return value


def unique_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's members: the ``object_pairs_hook`` that raises if two have one name."""
    value = dict(members)
    if len(value) != len(members):
        raise ValueError(f"has the member {duplicate_name(members)!r} more than once")
    return value


def duplicate_name(members: list[tuple[str, Any]]) -> str:
    """Return the first name that occurs more than once."""
    names = [name for name, _ in members]
    return next(name for name in names if names.count(name) > 1)


def is_rejected_row(value: Any) -> bool:
    """Return whether a row is from a file of rejected rows."""
    return (
        isinstance(value, dict)
        and REJECTED_COLUMNS[0] in value
        and tuple(value)[: len(REJECTED_COLUMNS)] == REJECTED_COLUMNS
    )


def build_record(
    line: int, value: Any, raw: str, duplicate: str, outer: Mapping[str, Any]
) -> Record:
    """Return the record of a row.

    Args:
        line: Its line or position.
        value: The row.
        raw: Its text.
        duplicate: A duplicate member; empty for none.
        outer: Members of the objects that the row is in; its own override them.
    """
    if duplicate:
        return Record(line, {}, raw, f"has the member {duplicate!r} more than once")
    if not isinstance(value, dict):
        return Record(line, {}, raw, "is not a JSON object")
    if is_rejected_row(value):
        for name in REJECTED_COLUMNS:
            del value[name]
    if not outer:
        return Record(line, value, raw)
    # In a file of rejected rows, the row is no longer in these objects.
    end = f"{', ' if value else ''}{json.dumps(outer, ensure_ascii=False)[1:]}"
    return Record(line, {**outer, **value}, f"{raw.rstrip()[:-1].rstrip()}{end}")
