"""JSON schemas of a resource's rows and bodies, for OpenAPI.

They describe only; the codecs validate, by more than JSON Schema can express. Both are made from
the same fields, so they cannot differ. Generated clients are written from these schemas, so they
say what a client should send; what else the service accepts is in their descriptions, in words.
"""

import re
from collections.abc import Collection, Mapping
from itertools import chain, count
from typing import Any, Final

from encore.models.fields import Field
from encore.openapi.components import Components
from encore.openapi.examples import create_example, row_example, update_example
from encore.openapi.related_schemas import nested_schema, related_members
from encore.openapi.value_schemas import nullable, shown_schema, written_schema
from encore.resource.definition import ResourceDefinition
from encore.serializers.serializer import RelatedSerializer

_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
_SUFFIXES: Final = (
    "",
    "BulkUpdate",
    "Create",
    "HistoryEntry",
    "Link",
    "Report",
    "RowReport",
    "Update",
    "Upload",
    "UploadReport",
)
_SPARSE: Final = "With the parameter `fields`, a row has only the members that it names."
_UNCHANGED: Final = "Other members of a row may be sent with their stored values."
_NUMBERS: Final = "A number is accepted for a string, which gets its digits."
_TEXTS: Final = "A string is accepted for a value of another type if it can be converted."


def row_reference(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    """Return a reference to the schema of a row, and define it.

    Resources of one model share it if their rows have the same members.
    """
    return components.once(resource, "row", lambda: _define_row(resource, components))


def _define_row(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    schema = {**row_schema(resource, components), "examples": [row_example(resource)]}
    name = component_name(resource, components)
    if components.has(resource.name, schema):
        name = resource.name
    return components.schema(name, schema)


def create_reference(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    """Return a reference to the schema of a create's body, and define it."""
    return components.once(resource, "create", lambda: _define_create(resource, components))


def _define_create(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    name = component_name(resource, components)
    schema = {**create_schema(resource, components), "examples": [create_example(resource)]}
    return components.schema(f"{name}Create", schema)


def update_reference(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    """Return a reference to the schema of an update's body, and define it."""
    return components.once(resource, "update", lambda: _define_update(resource, components))


def _define_update(resource: ResourceDefinition, components: Components) -> dict[str, str]:
    name = component_name(resource, components)
    schema = {**update_schema(resource, components), "examples": [update_example(resource)]}
    return components.schema(f"{name}Update", schema)


def own_body_schema(schema: Mapping[str, Any], components: Components) -> Mapping[str, Any]:
    """Return a schema that a service declares for a body; a reference if it has a title.

    Its title is the name of the component, unless another schema has that name: then it stays
    where it is. Schemas of its members and items are not looked at.
    """
    title = schema.get("title", "")
    is_free = _NAME.fullmatch(title) and components.claim(title, own_body_schema, ("",))
    if not is_free or not components.accepts("schemas", title, schema):
        return schema
    return components.schema(title, schema)


def component_name(resource: ResourceDefinition, components: Components) -> str:
    """Return the name of a resource's schemas: the model's, or one made from its path.

    The first of several resources of a model has the model's name.
    """
    if components.claim(resource.name, resource, _SUFFIXES):
        return resource.name
    name = "".join(part.capitalize() for part in resource.slug.split("_"))
    numbered = (f"{name}{number}" for number in count(2))
    return next(
        each for each in chain([name], numbered) if components.claim(each, resource, _SUFFIXES)
    )


def row_schema(resource: ResourceDefinition, components: Components) -> dict[str, Any]:
    """Return the schema of a row in a response.

    All members are required that are there unless the request leaves them out (``fields``,
    ``children``): generated clients have a type for whole rows, and not for each selection.
    """
    serializer = resource.serializer
    members = {field.name: shown_schema(field) for field in serializer.shown.values()}
    required = [*members, *serializer.children]
    members |= related_members(component_name(resource, components), serializer, components)
    return object_schema(members, required, description=_SPARSE)


def create_schema(resource: ResourceDefinition, components: Components) -> dict[str, Any]:
    """Return the schema of a create's body; members that a client cannot set are left out."""
    bodies, children = resource.bodies, resource.serializer.children.values()
    foreign = {column for child in children for column in child.relation.foreign_key}
    members = {
        field.name: _or_generated(written_schema(field, resource.serializer), field)
        for field in bodies.creatable
    }
    members |= _nested(resource, bodies.nested.creates, components)
    required = [
        field.name
        for field in bodies.creatable
        if field in bodies.required and field.column not in foreign
    ]
    return object_schema(
        members,
        required,
        description=_leniency(resource, bodies.creatable),
        closed=not resource.compatibility.ignores_members,
        least=1 if bodies.rejects_empty else 0,
    )


def update_schema(resource: ResourceDefinition, components: Components) -> dict[str, Any]:
    """Return the schema of an update's body, of which all members are optional."""
    bodies = resource.bodies
    members = {field.name: written_schema(field, resource.serializer) for field in bodies.updatable}
    members |= _nested(resource, bodies.nested.updates, components)
    return object_schema(
        members,
        description=f"{_UNCHANGED} {_leniency(resource, bodies.updatable)}".strip(),
        closed=not resource.compatibility.ignores_members,
    )


def object_schema(
    members: Mapping[str, Any],
    required: Collection[str] = (),
    *,
    description: str = "",
    closed: bool = False,
    least: int = 0,
) -> dict[str, Any]:
    """Return the schema of an object.

    Args:
        members: The schemas of its members.
        required: The members that it must have.
        description: What a schema cannot say.
        closed: Whether it must have no other members.
        least: How many members it must have.
    """
    schema: dict[str, Any] = {"type": "object"}
    if description:
        schema["description"] = description
    schema["properties"] = dict(members)
    if required:
        schema["required"] = list(required)
    if closed:
        schema["additionalProperties"] = False
    if least:
        schema["minProperties"] = least
    return schema


def _nested(
    resource: ResourceDefinition,
    children: Mapping[str, RelatedSerializer],
    components: Components,
) -> dict[str, Any]:
    closed = not resource.compatibility.ignores_members
    owner = component_name(resource, components)
    return {
        name: nested_schema(owner, name, child, components, closed=closed)
        for name, child in children.items()
    }


def _or_generated(schema: dict[str, Any], field: Field) -> dict[str, Any]:
    """Return a schema that allows null for a key that the database numbers."""
    if not field.autoincrement:
        return schema
    return nullable({**schema, "maximum": field.max_assignable})


def _leniency(resource: ResourceDefinition, fields: Collection[Field]) -> str:
    """Return in words what values a body may have that its schema does not allow."""
    texts = [_NUMBERS] if any(field.codec.is_text for field in fields) else []
    if resource.compatibility.accepts_text:
        texts.append(_TEXTS)
    return " ".join(texts)
