"""The natural key of each row: what the API finds its stored row by.

Timesheets have ``source`` and ``external_id``, which is derived where the source has none; rows of
other resources have the fields that ``--key`` names.
"""

from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Any, Protocol

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.rows.external_ids import ExternalIds, encode_entry
from client.importing.rows.hash_counter import HashCounter
from client.importing.rows.previous_ids import PreviousIds
from client.importing.rows.raw_keys import compile_raw_key
from client.importing.rows.row_error import RowError
from client.importing.rows.selectors import Row


class NaturalKeys(Protocol):
    """Completes the keys of one reading of the source."""

    def complete(self, fields: dict[str, Any], row: Row) -> None:
        """Set or validate the key of a mapped row. Raise ``RowError`` if an earlier row has it."""


class EntryKeys:
    """The keys of timesheets.

    Args:
        mapping: Names and notations of the external system.
        columns: Those of CSV, with those of day columns; empty for JSON.
        source: The first half of natural keys.
    """

    def __init__(self, mapping: FieldMapping, columns: Sequence[str], source: str) -> None:
        self._raw_key = compile_raw_key(mapping, columns)
        self._external_ids = ExternalIds(source)
        self._previous_ids = PreviousIds(mapping, columns, source)

    def complete(self, fields: dict[str, Any], row: Row) -> None:
        """Set ``source``, ``external_id`` and, of a derived id, the previous one."""
        is_derived = self._external_ids.assign(fields, partial(self._raw_key, row))
        if is_derived and (previous := self._previous_ids.derive(row, fields)):
            fields["previous_external_id"] = previous


class FieldKeys:
    """The keys of other resources.

    Args:
        names: The fields that identify a row; each row has them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._seen = HashCounter()

    def complete(self, fields: dict[str, Any], row: Row) -> None:
        """Validate that no earlier row has the same key."""
        del row
        values = [fields[name] for name in self._names]
        if self._seen.add_digest(sha256(encode_entry(values)).digest()):
            pairs = zip(self._names, values, strict=True)
            key = ", ".join(f"{name} {value!r}" for name, value in pairs)
            raise RowError(f"duplicate {key}: an earlier row has it")


def create_natural_keys(mapping: FieldMapping, columns: Sequence[str], source: str) -> NaturalKeys:
    """Return the keys of a mapping's target."""
    if mapping.target.is_timesheets:
        return EntryKeys(mapping, columns, source)
    return FieldKeys(mapping.target.key)
