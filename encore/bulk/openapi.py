"""OpenAPI descriptions of bulk writes."""

from typing import Any, Final

from fastapi.routing import APIRoute

from encore.bulk.request import DEFAULT_MAX_AFFECTED, MAX_AFFECTED
from encore.endpoints.openapi import problems
from encore.endpoints.query_parameters import filter_parameters
from encore.endpoints.schemas import read_schema, update_schema
from encore.endpoints.write_descriptions import write_parameters, write_responses
from encore.execution.actions.action import Action
from encore.execution.resource import Resource

_ERROR_STATUSES: Final = {
    "update": (400, 401, 403, 404, 406, 409, 412, 413, 415, 503),
    "delete": (400, 401, 403, 404, 406, 409, 412, 413, 503),
}
_PRECONDITION_REQUIRED: Final = 428
_AFFECTED: Final = {
    "type": "object",
    "properties": {"affected": {"type": "integer", "minimum": 0}},
    "required": ["affected"],
}


def describe_bulk(resource: Resource, action: Action[Any], name: str, method: str) -> APIRoute:
    """Return the FastAPI route that describes a bulk write in OpenAPI."""

    def endpoint() -> None:
        """Serve OpenAPI alone: ``PipelineRoute`` runs the operation."""

    endpoint.__doc__ = action.__doc__
    extra: dict[str, Any] = {"parameters": _parameters(resource), "responses": _responses(resource)}
    if method == "PATCH":
        body = _inline(update_schema(resource).model_json_schema())
        if not resource.hooks[action.name]:  # Hooks may set what the body lacks.
            body["minProperties"] = 1
        extra["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": body}},
        }
    return APIRoute(
        resource.collection_path,
        endpoint,
        methods=[method],
        tags=[resource.slug],
        summary=f"{action.name.capitalize()} many {resource.slug}",
        operation_id=f"{method.lower()}_{name}",
        responses=problems(_statuses(resource, action.name)),
        openapi_extra=extra,
        name=name,
    )


def _statuses(resource: Resource, action: str) -> tuple[int, ...]:
    """Return the error statuses of a bulk write: those of one row are among them."""
    if action in resource.options.checks_if_match:
        return (*_ERROR_STATUSES[action], _PRECONDITION_REQUIRED)
    return _ERROR_STATUSES[action]


def _parameters(resource: Resource) -> list[dict[str, Any]]:
    most = resource.options.bulk_limit
    limit = {
        "type": "integer",
        "minimum": 1,
        "maximum": most,
        "default": min(DEFAULT_MAX_AFFECTED, most),
    }
    own: list[dict[str, Any]] = [
        {
            "name": MAX_AFFECTED,
            "in": "query",
            "description": "How many rows the filters may match; if more do, nothing is changed",
            "schema": limit,
        },
        # Without their examples: a request that has nothing else would lack a filter.
        *({name: v for name, v in p.items() if name != "example"} for p in write_parameters()),
    ]
    names = {parameter["name"] for parameter in own}
    return [*own, *(p for p in filter_parameters(resource) if p["name"] not in names)]


def _responses(resource: Resource) -> dict[str, Any]:
    row = _inline(read_schema(resource).model_json_schema())
    schema = {"anyOf": [_AFFECTED, {"type": "array", "items": row}]}
    responses = write_responses(["200"])
    responses["200"] = {
        **responses["200"],
        "description": "How many rows were changed; or the rows, if they are preferred",
        "content": {"application/json": {"schema": schema}},
    }
    return responses


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without its title, to be used in place."""
    return {name: value for name, value in schema.items() if name != "title"}
