"""Records: rows on their way to JSON.

Each view gets one ``msgspec.Struct`` type, made from its fields and relations: attributes under
their Python names, JSON under the column names. A row becomes a record by one call, and a list of
records becomes bytes by one more.

A record holds *wire values*, what JSON shows: a moment is its text. What is ``UNSET`` is left out.
"""

from collections.abc import Callable, Sequence
from itertools import starmap
from operator import itemgetter
from typing import Any

import msgspec

from api.crud.views.fields import Fields
from api.crud.views.invalid_values import CountingEncoder, read_checked, text_of
from db.statement import Row
from db.undecodable import Undecodable

Record = msgspec.Struct
RowReader = Callable[[Sequence[Row]], list[Any]]

_encode_valid = msgspec.json.Encoder().encode
encode = msgspec.json.Encoder(enc_hook=text_of).encode
"""Encodes records, whether or not their values fit their columns."""


def record_type(name: str, fields: Fields, relations: Sequence[str] = ()) -> type[Record]:
    """Make the record type of a view; its relations come after its fields."""
    attributes = [field.attribute for field in fields]
    return msgspec.defstruct(
        f"{name}Record",
        [(attribute, Any, msgspec.UNSET) for attribute in (*attributes, *relations)],
        rename={field.attribute: field.name for field in fields},
        module=__name__,
    )


def encode_counting(instance: Any) -> tuple[bytes, int]:
    """Encode records; also return how many stored values in them do not fit their columns."""
    try:
        return _encode_valid(instance), 0
    except TypeError:
        slow = CountingEncoder()
        return slow.encode(instance), slow.count


def row_reader(kind: type[Record], fields: Fields) -> RowReader:
    """Make the function that turns rows, in field order, into records.

    Columns whose driver values are wire values already cost nothing here. Rows are read again,
    value by value, if one of their values does not fit its column.
    """
    fast = _fast_reader(kind, fields)

    def read(rows: Sequence[Row]) -> list[Record]:
        try:
            records = fast(rows)
        except Exception:  # noqa: BLE001 - whatever a type of the service's own may raise
            return read_checked(kind, fields, rows)
        if Undecodable.met and Undecodable.among(rows):
            return read_checked(kind, fields, rows)
        return records

    return read


def _fast_reader(kind: type[Record], fields: Fields) -> RowReader:
    """Make the reader of rows whose values fit; it raises an exception where one does not."""
    verified = [
        (field.codec.verify, itemgetter(index))
        for index, field in enumerate(fields)
        if field.codec.verify is not None and not field.generated
    ]
    read = _converting_reader(kind, fields)
    if not verified:
        return read

    def read_verified(rows: Sequence[Row]) -> list[Record]:
        for verify, value_of in verified:
            verify(rows, value_of)
        return read(rows)

    return read_verified


def _converting_reader(kind: type[Record], fields: Fields) -> RowReader:
    converters = [
        (index, field.codec.to_wire)
        for index, field in enumerate(fields)
        if field.codec.to_wire is not None
    ]
    if not converters:
        return lambda rows: list(starmap(kind, rows))

    def read(rows: Sequence[Row]) -> list[Record]:
        records = []
        for row in rows:
            values = list(row)
            for index, convert in converters:
                values[index] = convert(values[index])
            records.append(kind(*values))
        return records

    return read


def hide(records: Sequence[Any], attributes: Sequence[str]) -> None:
    """Leave attributes out of the JSON of these records; what a hook made instead stays."""
    for record in records:
        if isinstance(record, Record):
            for attribute in attributes:
                setattr(record, attribute, msgspec.UNSET)
