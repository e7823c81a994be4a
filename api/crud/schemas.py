"""Schemas: what a model's rows and bodies look like in OpenAPI, as pydantic models.

They describe; the checking at run time is done by the codecs, which know more than JSON Schema can
say. Both are made from the same fields, so they cannot differ.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, WithJsonSchema, create_model
from pydantic import Field as SchemaField

from api.crud.fields import Field, Fields


class _Schema(BaseModel):
    """The base of all generated schemas."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


def read_schema(name: str, fields: Iterable[Field]) -> type[BaseModel]:
    """Make the schema of a row that is given out: every field is there."""
    return _model(name, {f.name: (_annotation(f.codec.schema, f), ...) for f in fields})


def create_schema(name: str, fields: Fields) -> type[BaseModel]:
    """Make the schema of a new row's body."""
    return _model(
        f"{name}Create",
        {
            field.name: (_annotation(field.codec.accepts, field), ... if field.required else None)
            for field in fields
            if not field.managed
        },
    )


def update_schema(name: str, fields: Fields) -> type[BaseModel]:
    """Make the schema of a change: only what is given is changed."""
    return _model(
        f"{name}Update",
        {
            field.name: (_annotation(field.codec.accepts, field), None)
            for field in fields
            if not field.managed and field not in fields.key
        },
    )


def _model(name: str, members: dict[str, Any]) -> type[BaseModel]:
    # Positional names only: a column may well be called ``schema`` or ``json``.
    definitions: dict[str, Any] = {
        f"field_{index}": (kind, SchemaField(default, alias=json_name))
        for index, (json_name, (kind, default)) in enumerate(members.items())
    }
    return create_model(name, __base__=_Schema, **definitions)


def _annotation(schema: dict[str, Any], field: Field) -> Any:
    """Annotate with the codec's own JSON schema; validating is not asked of pydantic."""
    if field.nullable and not field.column.primary_key:
        options = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
        schema = {"anyOf": [*options, {"type": "null"}]}
    return Annotated[Any, WithJsonSchema(schema)]
