"""Descriptions by the arguments of a FastAPI route: ``summary``, ``response_model`` and others.

FastAPI itself evaluates those that need more than being copied, so they mean what they mean in a
route of FastAPI's.
"""

from collections.abc import Mapping
from inspect import signature
from typing import Any, Final, get_args, get_origin

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.utils import deep_dict_update

from encore.openapi.components import Components
from encore.openapi.pydantic_schemas import simplify, simplify_contents
from encore.openapi.row_type import RowType
from encore.openapi.schemas import own_body_schema, row_reference

ROUTE_ARGUMENTS: Final = frozenset(signature(APIRoute).parameters) - {"path", "endpoint", "methods"}
"""The arguments of a FastAPI route that may describe it."""

_COPIED: Final[Mapping[str, str]] = {
    "tags": "tags",
    "summary": "summary",
    "description": "description",
    "operation_id": "operationId",
    "deprecated": "deprecated",
}
"""The members of an Operation Object, by the arguments that they are copies of."""

_JSON: Final = "application/json"
_WITHOUT_CONTENT: Final = (204, 205, 304)


def describe_by_arguments(
    components: Components, path: str, method: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the operation that FastAPI describes for a route with these arguments.

    Args:
        components: The components of the document; takes the schemas of models.
        path: The path template.
        method: The HTTP method.
        arguments: The arguments of ``APIRoute``, without path and method; with ``status_code``.
    """
    given = dict(arguments)
    extra = given.pop("openapi_extra", None) or {}
    status = given["status_code"]
    schema = _schema_of_rows(components, given.get("response_model"))
    if schema is not None:
        del given["response_model"]
    if given.keys() - {"status_code"} <= _COPIED.keys():
        operation = _copy(given)
    else:
        operation = _ask_fastapi(components, path, method, given)
    if schema is not None:
        operation["responses"][str(status)]["content"] = {_JSON: {"schema": schema}}
    deep_dict_update(operation, extra)
    if "requestBody" in extra:
        operation["requestBody"] = _with_components(extra["requestBody"], components)
    return operation


def _with_components(body: Mapping[str, Any], components: Components) -> dict[str, Any]:
    """Return a body as it was declared, with references to its titled schemas."""
    content = {
        media_type: {**media, "schema": own_body_schema(media["schema"], components)}
        if "schema" in media
        else media
        for media_type, media in body.get("content", {}).items()
    }
    return {**body, "content": content}


def _copy(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return an operation of arguments that are copied as they are."""
    members = {_COPIED[name]: value for name, value in arguments.items() if name in _COPIED}
    status = arguments["status_code"]
    response: dict[str, Any] = {"description": "Successful Response"}
    if status not in _WITHOUT_CONTENT:
        response["content"] = {_JSON: {"schema": {}}}
    operation = {name: value for name, value in members.items() if value}
    return {**operation, "responses": {str(status): response}}


def _ask_fastapi(
    components: Components, path: str, method: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Return FastAPI's description of a route; its schemas become components."""

    def endpoint() -> None:
        """Serve OpenAPI alone: the generated route runs the operation."""

    route = APIRoute(path, endpoint, methods=[method], **arguments)
    document = get_openapi(title="", version="", routes=[route])
    schemas = document.get("components", {}).get("schemas", {})
    operation: dict[str, Any] = document["paths"][route.path_format][method.lower()]
    operation["responses"] = simplify_contents(operation["responses"])
    return components.adopt({n: simplify(schema) for n, schema in schemas.items()}, operation)


def _schema_of_rows(components: Components, model: Any) -> dict[str, Any] | None:
    """Return the schema of a row of a resource, or of many; None for other models."""
    if get_origin(model) is list:
        (item,) = get_args(model)
        row = _schema_of_rows(components, item)
        return None if row is None else {"type": "array", "items": row}
    if isinstance(model, type) and issubclass(model, RowType):
        return dict(row_reference(model.resource, components))
    return None
