"""JSON schemas of related rows: embedded in a row, and nested in a body.

Their components are named after the row and the relation, because serializers of one model may
differ: ``ShelfBooks`` is a book as a shelf shows it.
"""

from itertools import chain, count
from typing import Any

from encore.openapi.components import Components
from encore.openapi.value_schemas import shown_schema, written_schema
from encore.serializers.serializer import RelatedSerializer, Serializer


def related_members(
    owner: str, serializer: Serializer, components: Components
) -> dict[str, dict[str, Any]]:
    """Return the schemas of the relations that a row embeds, and of their counts.

    Args:
        owner: The name of the row's component.
        serializer: The serializer of the row.
        components: Takes the schemas of the related rows.
    """
    members = {}
    for name, child in serializer.children.items():
        members[name] = _embedded(_name(owner, name, child, components), child, components)
        if child.count_name:
            members[child.count_name] = _count(child)
    return members


def nested_schema(
    owner: str, name: str, child: RelatedSerializer, components: Components, *, closed: bool
) -> dict[str, Any]:
    """Return the schema of a relation in a body: new rows, or the keys of existing ones.

    Args:
        owner: The name of the component of the body's row.
        name: The name of the relation.
        child: The relation.
        components: Takes the schema of the related rows.
        closed: Whether the related rows must have no other members.
    """
    serializer, relation = child.serializer, child.relation
    key = serializer.fields.key
    set_by_parent = {column for _, column in relation.pairs} if relation.owned else set()
    properties = {
        field.name: written_schema(field, serializer)
        for field in serializer.fields
        if field in key or (field in serializer.writable and field.column not in set_by_parent)
    }
    row: dict[str, Any] = {
        "type": "object",
        "description": "The key of a stored row, or a new row.",
        "properties": properties,
    }
    if closed:
        row["additionalProperties"] = False
    reference = components.schema(f"{_name(owner, name, child, components)}Write", row)
    return _one_or_many(child, reference)


def _embedded(name: str, child: RelatedSerializer, components: Components) -> dict[str, Any]:
    serializer = child.serializer
    properties = {field.name: shown_schema(field) for field in serializer.shown.values()}
    required = [*properties, *serializer.children]
    properties |= related_members(name, serializer, components)
    row = {"type": "object", "properties": properties, "required": required}
    schema = _one_or_many(child, components.schema(name, row))
    return {**schema, "maxItems": child.limit} if child.relation.many else schema


def _one_or_many(child: RelatedSerializer, row: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a relation: an array of rows, or one row or null."""
    if child.relation.many:
        return {"type": "array", "items": row}
    return {"anyOf": [row, {"type": "null"}]}


def _count(child: RelatedSerializer) -> dict[str, Any]:
    """Return the schema of the number of related rows, which is shown if some are omitted."""
    description = f"How many {child.relation.name} there are; only if there are more than are shown"
    return {"type": "integer", "minimum": child.limit + 1, "description": description}


def _name(owner: str, relation: str, child: RelatedSerializer, components: Components) -> str:
    in_camel_case = "".join(part[:1].upper() + part[1:] for part in relation.split("_"))
    name = f"{owner}{in_camel_case}"
    numbered = (f"{name}{number}" for number in count(2))
    suffixes = ("", "Write")
    return next(each for each in chain([name], numbered) if components.claim(each, child, suffixes))
