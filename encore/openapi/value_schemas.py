"""JSON schemas of the values of one field, in rows and in bodies."""

from typing import Any

from encore.models.fields import Field
from encore.serializers.serializer import Serializer


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that allows null as well.

    ``{"type": ["string", "null"]}`` instead of ``anyOf`` where it is one type: several generators
    make a class of every ``anyOf``.
    """
    if not schema:
        return schema  # It allows everything.
    allowed = {"enum": [*schema["enum"], None]} if None not in schema.get("enum", [None]) else {}
    match schema.get("type"):
        case str(type_) if type_ != "null":
            return {**schema, "type": [type_, "null"], **allowed}
        case list(types):
            return {**schema, "type": [*dict.fromkeys((*types, "null"))], **allowed}
        case None if set(schema) == {"anyOf"}:
            return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def shown_schema(field: Field) -> dict[str, Any]:
    """Return the schema of a field in a row."""
    schema = field.codec.schema
    if field.nullable:
        schema = nullable(schema)
    return {**schema, "readOnly": True} if field.read_only else schema


def written_schema(field: Field, serializer: Serializer) -> dict[str, Any]:
    """Return the schema of a field in a body; a field that no row shows is write-only."""
    schema = field.codec.accepts
    if field.nullable:
        schema = nullable(schema)
    return schema if field.name in serializer.shown else {**schema, "writeOnly": True}
