"""Records: rows on their way to JSON.

Each view gets one ``msgspec.Struct`` type, made from its fields and relations: attributes under
their Python names, JSON under the column names. A row becomes a record by one call, and a list of
records becomes bytes by one more.

A record holds *wire values*, what JSON shows: a moment is its text. What is ``UNSET`` is left out.
"""

from collections.abc import Callable, Sequence
from itertools import starmap
from typing import Any

import msgspec

from api.crud.views.fields import Fields
from db.statement import Row

Record = msgspec.Struct
RowReader = Callable[[Sequence[Row]], list[Any]]

encode = msgspec.json.Encoder().encode


def record_type(name: str, fields: Fields, relations: Sequence[str] = ()) -> type[Record]:
    """Make the record type of a view; its relations come after its fields."""
    attributes = [field.attribute for field in fields]
    return msgspec.defstruct(
        f"{name}Record",
        [(attribute, Any, msgspec.UNSET) for attribute in (*attributes, *relations)],
        rename={field.attribute: field.name for field in fields},
        module=__name__,
    )


def row_reader(kind: type[Record], fields: Fields) -> RowReader:
    """Make the function that turns rows, in field order, into records.

    Columns whose driver values are wire values already cost nothing here.
    """
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
