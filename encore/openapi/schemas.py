"""JSON schemas of a resource's rows and bodies, for OpenAPI.

They describe only; the codecs validate, by more than JSON Schema can express. Both are made from
the same fields, so they cannot differ.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from encore.models.fields import Field
from encore.openapi.components import Components
from encore.openapi.examples import create_example, row_example, update_example
from encore.resource.definition import ResourceDefinition
from encore.serializers.serializer import RelatedSerializer, Serializer
from encore.validation.members import AllowedMembers

_NULL: Final[dict[str, Any]] = {"type": "null"}


def row_reference(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    """Return a reference to the schema of a row, and define it."""
    return components.once(resource, "row", lambda: _define_row(resource, components))


def create_reference(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    """Return a reference to the schema of a create's body, and define it."""
    return components.once(resource, "create", lambda: _define_create(resource, components))


def update_reference(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    """Return a reference to the schema of an update's body, and define it."""
    return components.once(resource, "update", lambda: _define_update(resource, components))


def row_schema(resource: ResourceDefinition) -> dict[str, Any]:
    """Return the schema of a row in a response; ``fields=`` may omit any of its members."""
    serializer = resource.serializer
    members: dict[str, Any] = {
        field.name: _nullable(_marked(field.codec.schema, field), field)
        for field in serializer.shown.values()
    }
    for relation, child in serializer.children.items():
        members[relation] = _embedded(child)
        if child.count_name:
            members[child.count_name] = _count(child)
    return _object(members)


def create_schema(resource: ResourceDefinition) -> dict[str, Any]:
    """Return the schema of a create's body."""
    closed = not resource.compatibility.ignores_members
    serializer, related = resource.serializer, resource.bodies.nested.creates
    foreign = {
        column for child in serializer.children.values() for column in child.relation.foreign_key
    }
    members = {
        field.name: _written(_or_generated(field.codec.body_schema, field), field, serializer)
        for field in resource.bodies.creatable
    }
    members |= {name: _nested(child, closed=closed) for name, child in related.items()}
    members |= _read_only(serializer, resource.bodies.members.create)
    required = [
        field.name
        for field in resource.bodies.creatable
        if field in resource.bodies.required and field.column not in foreign
    ]
    least = 1 if resource.bodies.rejects_empty else 0
    return _object(members, required, closed=closed, least=least)


def update_schema(resource: ResourceDefinition) -> dict[str, Any]:
    """Return the schema of an update's body, of which all members are optional."""
    closed = not resource.compatibility.ignores_members
    serializer = resource.serializer
    members: dict[str, Any] = {
        field.name: _written(field.codec.body_schema, field, serializer)
        for field in resource.bodies.updatable
    }
    related = resource.bodies.nested.updates
    members |= {name: _nested(child, closed=closed) for name, child in related.items()}
    members |= _read_only(serializer, resource.bodies.members.update)
    return _object(members, closed=closed)


def _read_only(serializer: Serializer, body: AllowedMembers) -> dict[str, Any]:
    """Return the members that a body may contain only unchanged."""
    names = [name for name in (*serializer.shown, *serializer.children) if name in body.read_only]
    schemas = {
        name: _nullable(serializer.shown[name].codec.schema, serializer.shown[name])
        if name in serializer.shown
        else _embedded(serializer.children[name])
        for name in names
    }
    schemas |= {name: {"type": "integer"} for name in sorted(body.read_only.difference(names))}
    return {name: {**schema, "readOnly": True} for name, schema in schemas.items()}


def _define_row(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    schema = {**row_schema(resource), "examples": [row_example(resource)]}
    return components.schema(_name(resource, components), schema)


def _define_create(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    schema = {**create_schema(resource), "examples": [create_example(resource)]}
    return components.schema(f"{_name(resource, components)}Create", schema)


def _define_update(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    schema = {**update_schema(resource), "examples": [update_example(resource)]}
    return components.schema(f"{_name(resource, components)}Update", schema)


def _name(resource: ResourceDefinition, components: Components) -> str:
    """Return the name of the schemas: the model's, or one made from ``endpoints``.

    A model may have several resources.
    """
    name = resource.name
    if resource.options.endpoints:
        name = "".join(part.capitalize() for part in resource.slug.split("_"))
    return components.unique_name(name, resource)


def _embedded(child: RelatedSerializer) -> dict[str, Any]:
    """Return the schema of related rows, inline: serializers of one model may differ."""
    serializer = child.serializer
    properties: dict[str, Any] = {
        f.name: _nullable(_marked(f.codec.schema, f), f) for f in serializer.shown.values()
    }
    for name, inner in serializer.children.items():
        properties[name] = _embedded(inner)
        if inner.count_name:
            properties[inner.count_name] = _count(inner)
    row = {"type": "object", "properties": properties}
    if not child.relation.many:
        return {"anyOf": [row, _NULL]}
    return {"type": "array", "items": row, "maxItems": child.limit}


def _count(child: RelatedSerializer) -> dict[str, Any]:
    """Return the schema of the number of related rows, which is shown if some are omitted."""
    description = f"How many {child.relation.name} there are; only if there are more than are shown"
    return {"type": "integer", "minimum": child.limit + 1, "description": description}


def _nested(child: RelatedSerializer, *, closed: bool) -> dict[str, Any]:
    """Return the schema of related rows in a body: new rows, or the keys of existing ones."""
    serializer = child.serializer
    properties = {
        f.name: _write_only(_nullable(f.codec.body_schema, f), f, serializer)
        for f in serializer.fields
        if f in serializer.writable
    }
    shown = {
        f.name: {**_nullable(f.codec.schema, f), "readOnly": True}
        for f in serializer.shown.values()
    }
    shown |= {
        name: {**_embedded(inner), "readOnly": True} for name, inner in serializer.children.items()
    }
    row: dict[str, Any] = {"type": "object", "properties": shown | properties}
    if closed:
        row["additionalProperties"] = False
    return {"type": "array", "items": row} if child.relation.many else {"anyOf": [row, _NULL]}


def _object(
    members: Mapping[str, Any],
    required: Collection[str] = (),
    *,
    closed: bool = False,
    least: int = 0,
) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": members}
    if required:
        schema["required"] = list(required)
    if closed:
        schema["additionalProperties"] = False
    if least:
        schema["minProperties"] = least
    return schema


def _written(schema: dict[str, Any], field: Field, serializer: Serializer) -> dict[str, Any]:
    """Return the schema of a field in a body."""
    return _write_only(_nullable(schema, field), field, serializer)


def _marked(schema: dict[str, Any], field: Field) -> dict[str, Any]:
    return {**schema, "readOnly": True} if field.read_only else schema


def _write_only(schema: dict[str, Any], field: Field, serializer: Serializer) -> dict[str, Any]:
    return schema if field.name in serializer.shown else {**schema, "writeOnly": True}


def _or_generated(schema: dict[str, Any], field: Field) -> dict[str, Any]:
    """Return a schema that allows null for a key that the database numbers."""
    if not field.autoincrement:
        return schema
    return {"anyOf": [{**schema, "maximum": field.max_assignable}, _NULL]}


def _nullable(schema: dict[str, Any], field: Field) -> dict[str, Any]:
    if not field.nullable:
        return schema
    options = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
    return {"anyOf": [*options, _NULL]}
