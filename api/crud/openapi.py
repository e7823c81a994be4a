"""What OpenAPI 3.1 says of the generated operations beyond what FastAPI reads off a signature.

The parameters of lists, the headers of answers, and every problem an operation may answer with.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, WithJsonSchema

from api.crud.query import DEFAULT_COUNT, MAX_COUNT, MAX_OFFSET
from api.crud.resource import Resource

_FIELD_ERROR: Final = {
    "type": "object",
    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    "required": ["field", "message"],
}


class Problem(BaseModel):
    """RFC 9457, with Finale's ``message`` and ``errors``."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    message: str
    errors: Annotated[
        list[Any],
        WithJsonSchema({"type": "array", "items": {"anyOf": [_FIELD_ERROR, {"type": "string"}]}}),
    ]


_PROBLEMS: Final[Mapping[int, str]] = {
    400: "The query or the body is not what this operation takes",
    401: "No valid token",
    403: "The token lacks the scope",
    404: "No such row",
    409: "The row would break a unique or foreign key",
    413: "The body is too large",
    415: "The body is not JSON",
    503: "The keys or the database are out of reach",
}
_OF_EVERY_ACTION: Final = (400, 401, 403, 503)
_OF_ACTION: Final[Mapping[str, tuple[int, ...]]] = {
    "create": (409, 413, 415),
    "list": (),
    "read": (404,),
    "update": (404, 409, 413, 415),
    "delete": (404, 409),
}
_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "create": {"Location": {"description": "The path of the row", "schema": {"type": "string"}}},
    "list": {
        "Content-Range": {
            "description": "Which rows these are, of how many: items a-b/total",
            "schema": {"type": "string", "pattern": r"^items \d+-\d+/\d+$"},
        }
    },
}


def problem_responses(action: str) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that an action may answer with."""
    return {
        status: {"description": _PROBLEMS[status], "content": _PROBLEM_CONTENT}
        for status in sorted((*_OF_EVERY_ACTION, *_OF_ACTION[action]))
    }


_PROBLEM_CONTENT: Final = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}


def operation_extras(resource: Resource, action: str, status: int) -> dict[str, Any]:
    """Describe what the signature cannot: query parameters, and headers of the answer."""
    extras: dict[str, Any] = {}
    if action == "list":
        extras["parameters"] = list_parameters(resource)
    if action in _HEADERS and (action != "list" or resource.options.pagination):
        extras["responses"] = {str(status): {"headers": _HEADERS[action]}}
    return extras


def list_parameters(resource: Resource) -> list[dict[str, Any]]:
    """Describe every query parameter of a list."""
    options = resource.options
    parameters = [
        _parameter(search.param, {"type": "string"}, "Rows in which this text stands")
        for search in options.search
    ]
    parameters.append(
        _parameter(
            options.sort.param,
            {"type": "string", "examples": [f"-{resource.fields.key[0].name}"]},
            "Fields to sort by, separated by commas; '-' in front for descending",
        )
    )
    if options.pagination:
        size = f"How many rows; 0 or less means {DEFAULT_COUNT}, more than {MAX_COUNT} that many"
        parameters.append(_parameter("count", {"type": "integer", "default": DEFAULT_COUNT}, size))
    natural = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET // MAX_COUNT, "default": 0}
    parameters.append(_parameter("offset", natural, "How many rows to pass over"))
    parameters.append(_parameter("page", natural, "Which page, from 0; adds to offset"))
    taken = {parameter["name"] for parameter in parameters}
    parameters.extend(
        _parameter(
            field.name,
            {"type": "array", "items": _filter_schema(field.codec.schema)},
            f"Rows whose {field.name} is this, or one of these; null for none",
        )
        for field in resource.fields
        if field.name not in taken
    )
    return parameters


def _filter_schema(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("type") == "string" and "format" not in schema and "enum" not in schema:
        return {"type": "string"}  # A filter may be longer than the column: it finds nothing.
    return {"anyOf": [schema, {"const": "null"}]}


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}
