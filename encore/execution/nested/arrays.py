"""Arrays of an update that are made the stored set: ``nested_arrays="sync"``.

Rows with a key are changed where they are related already, and linked where not; rows without are
made; rows that the array leaves out are unlinked, or deleted where the relationship cascades
``delete-orphan``. A set that callers cannot see whole is never replaced.

What an array changes is found out here; ``nested_writes`` and ``session_nested`` write it.
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


async def settle(
    connection: Connection, related: RelatedRows, array: NestedBody, own: Key, shown: list[Shown]
) -> NestedBody:
    """Return an array with what it changes.

    Args:
        connection: Inside the transaction.
        related: The rows of the array's relation.
        array: What the body gives.
        own: The parent's key, as the related rows or the link table hold it.
        shown: The rows that are related now, as callers see them.

    Raises:
        Conflict: There are more related rows than are shown.
        ValidationFailed: A row is given twice, or has a value that it cannot have.
    """
    fields = related.serializer.fields.key
    stored = {
        tuple(f.codec.driver_value(f.codec.from_json(row[f.name])) for f in fields): row
        for row in shown
    }
    if len({tuple(row) for row in await related.association_table.related(connection, own)}) != len(
        stored
    ):
        name = array.relation.name
        text = f"{name} holds more rows than are shown, so that it cannot be replaced"
        raise Conflict(INVALID, [{"field": name, "message": text}])
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
    """Return a row that is related already with the members that differ from what it shows."""
    serializer, prefix = related.serializer, f"{item.name}."
    foreign = {field.name for field in related.foreign}
    writable = {
        f.name: f for f in serializer.fields if f in serializer.writable and f.name not in foreign
    }
    body = {}
    for name, value in related.without_own(item.unwritten, own).items():
        if same_member(serializer, name, value, shown.get(name, UNSET)):
            continue
        if name in writable:
            body[name] = value
        else:
            report_read_only(name, errors, prefix)
    changes = bodies.validate_update(body, writable.values(), errors, prefix=prefix)
    return replace(item, unwritten={}, connected=True, changes=changes)
