"""JSON schemas that pydantic makes, in the form that the others have."""

from collections.abc import Mapping
from typing import Any, Final

from encore.openapi.value_schemas import nullable

_SCHEMAS_BY_NAME: Final = ("properties", "$defs", "patternProperties")
_LISTS_OF_SCHEMAS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS: Final = ("items", "additionalProperties")
_NULL: Final = {"type": "null"}


def simplify(schema: Any) -> Any:
    """Return a schema without titles, which pydantic makes of names, and with plain nullables.

    ``{"type": ["string", "null"]}`` instead of ``anyOf`` where null is allowed beside one type.
    """
    if not isinstance(schema, Mapping):
        return schema  # ``additionalProperties`` may be a boolean.
    simple = {key: _simplify_value(key, value) for key, value in schema.items() if key != "title"}
    match simple.get("anyOf"):
        case [{"type": str()} as one, other] if other == _NULL:
            del simple["anyOf"]
            return {**nullable(one), **simple}
    return simple


def simplify_contents(responses: Mapping[str, Any]) -> dict[str, Any]:
    """Return responses with simplified schemas."""
    return {status: _simplify_response(response) for status, response in responses.items()}


def _simplify_response(response: Mapping[str, Any]) -> dict[str, Any]:
    content = {
        media_type: {**media, "schema": simplify(media["schema"])} if "schema" in media else media
        for media_type, media in response.get("content", {}).items()
    }
    return {**response, "content": content} if content else dict(response)


def _simplify_value(key: str, value: Any) -> Any:
    if key in _SCHEMAS_BY_NAME:
        return {name: simplify(schema) for name, schema in value.items()}
    if key in _LISTS_OF_SCHEMAS:
        return [simplify(schema) for schema in value]
    return simplify(value) if key in _SCHEMAS else value
