"""Arrays of an update that replace the related rows: ``nested_arrays="sync"``.

Rows with a key are changed if they are related already, and connected if not; rows without a key
are created; rows that the array omits are disconnected, or deleted if the relationship cascades
``delete-orphan``. An array of which callers see only a part is never replaced.

This module computes the changes of an array; ``writes`` and ``session_writes`` write them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msgspec import UNSET

from encore.database.protocol import Connection
from encore.errors import Conflict
from encore.execution.nested.related_rows import RelatedRows
from encore.validation import body as bodies
from encore.validation.body import INVALID, ValidationErrors
from encore.validation.members import report_read_only
from encore.validation.nested import ConnectRelated, CreateRelated, Key, NestedBody
from encore.validation.unchanged import same_member

Shown = Mapping[str, Any]


async def resolve_array(
    connection: Connection, related: RelatedRows, array: NestedBody, own: Key, shown: list[Shown]
) -> NestedBody:
    """Return an array with the changes that it makes.

    Args:
        connection: The connection of the transaction.
        related: Reads and writes the rows of the array's relation.
        array: The array in the body.
        own: The parent's key, as the related rows or the link table store it.
        shown: The rows that are related now, as callers see them.

    Raises:
        Conflict: There are more related rows than are shown.
        ValidationFailed: A row occurs twice, or has an invalid value.
    """
    fields = related.serializer.fields.key
    stored = {
        tuple(f.codec.driver_value(f.codec.from_json(row[f.name])) for f in fields): row
        for row in shown
    }
    keys = {tuple(key) for key in await related.association_table.related(connection, own)}
    if len(keys) != len(stored):
        name = array.relation.name
        message = f"{name} has more rows than are shown, so it cannot be replaced"
        raise Conflict(INVALID, [{"field": name, "message": message}])
    errors, seen = ValidationErrors(), set()
    items: list[CreateRelated | ConnectRelated] = []
    for item in array.items:
        if not isinstance(item, ConnectRelated):
            items.append(item)
            continue
        if item.key in seen:
            errors.add(item.name, INVALID, "is given twice")
        seen.add(item.key)
        found = stored.get(item.key)
        items.append(item if found is None else _changed(related, item, own, found, errors))
    errors.check()
    gone = tuple(key for key in stored if key not in seen)
    return replace(array, items=tuple(items), removed=gone)


def _changed(
    related: RelatedRows, item: ConnectRelated, own: Key, shown: Shown, errors: ValidationErrors
) -> ConnectRelated:
    """Return a row that is related already, with the members that differ from what it shows."""
    serializer, prefix = related.serializer, f"{item.name}."
    foreign = {field.name for field in related.foreign}
    writable = {
        f.name: f for f in serializer.fields if f in serializer.writable and f.name not in foreign
    }
    body = {}
    for name, value in related.without_foreign_key(item.unwritten, own).items():
        if same_member(serializer, name, value, shown.get(name, UNSET)):
            continue
        if name in writable:
            body[name] = value
        else:
            report_read_only(name, errors, prefix)
    changes = bodies.validate_update(body, writable.values(), errors, prefix=prefix)
    return replace(item, unwritten={}, connected=True, changes=changes)
