"""Examples of rows and bodies in OpenAPI, made of the examples of their fields.

They tell one story: a row that was created by the example of a create has the members of the
example of a row, and the example of an update leaves it so.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from encore.models.examples import example_of, stated_example
from encore.models.fields import Field
from encore.resource.definition import ResourceDefinition
from encore.serializers.serializer import RelatedSerializer, Serializer


def row_example(resource: ResourceDefinition) -> dict[str, Any]:
    """Return an example of a row in a response."""
    return _row(resource.serializer)


def create_example(resource: ResourceDefinition) -> dict[str, Any]:
    """Return an example of the body of a create.

    It has the required fields and those whose columns state an example; if none of those can be
    written, all that need no other row.
    """
    creatable, required = resource.bodies.creatable, resource.bodies.required
    members = _members(f for f in creatable if f in required or _is_stated(f))
    if members:
        return members
    return _members(f for f in creatable if not (f.autoincrement or f.column.foreign_keys))


def update_example(resource: ResourceDefinition) -> dict[str, Any]:
    """Return an example of the body of an update: one field, if possible a text."""
    updatable = [f for f in resource.bodies.updatable if not f.column.foreign_keys]
    stated = [f for f in updatable if _is_stated(f)] or updatable
    texts = [f for f in stated if f.codec.is_text]
    return _members((texts or stated)[:1])


def key_example(resource: ResourceDefinition) -> dict[str, Any]:
    """Return an example of the key of a row, as its path has it."""
    return _members(field for _, field in resource.paths.key_parameters)


def ndjson_example(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return examples of rows as NDJSON."""
    return "".join(
        f"{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n" for row in rows
    )


def csv_example(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return examples of rows as CSV, with a header."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return file.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _compact(value)


def _compact(value: Any) -> str:
    """Return a value as the service writes JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _row(serializer: Serializer) -> dict[str, Any]:
    row = _members(serializer.shown.values(), nulls=True)
    return row | {name: _related(child) for name, child in serializer.children.items()}


def _related(child: RelatedSerializer) -> Any:
    """Return an example of related rows: none of many, or the one row."""
    if child.relation.many:
        return []
    return _row(child.serializer)


def _members(fields: Iterable[Field], *, nulls: bool = False) -> dict[str, Any]:
    """Return the examples of fields by name, without those that have none."""
    examples = {field.name: example_of(field) for field in fields}
    return {
        name: example
        for name, example in examples.items()
        if example is not UNSET and (nulls or example is not None)
    }


def _is_stated(field: Field) -> bool:
    return stated_example(field) not in (UNSET, None) and not field.autoincrement
