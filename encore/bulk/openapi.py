"""OpenAPI descriptions of bulk writes."""

from inspect import getdoc
from typing import Any, Final

from encore.bulk.request import DEFAULT_MAX_AFFECTED, MAX_AFFECTED, MODE, REPORT
from encore.execution.actions.action import Action
from encore.execution.resource import Resource
from encore.openapi.components import Components
from encore.openapi.operations import empty_response, json_body, json_response, make_operation
from encore.openapi.problems import problems
from encore.openapi.query_parameters import filter_parameters
from encore.openapi.schemas import create_schema, row_schema, update_schema
from encore.openapi.write_descriptions import upsert_parameters, write_headers, write_parameters
from encore.uploads.endpoint import report_schema
from encore.uploads.parameters import DESCRIPTIONS, PARAMETERS

_ERROR_STATUSES: Final = {
    "create": (400, 401, 403, 404, 406, 409, 412, 413, 415, 503),
    "update": (400, 401, 403, 404, 406, 409, 412, 413, 415, 503),
    "delete": (400, 401, 403, 404, 406, 409, 412, 413, 503),
}
_PRECONDITION_REQUIRED: Final = 428
_AFFECTED: Final = {
    "type": "object",
    "properties": {"affected": {"type": "integer", "minimum": 0}},
    "required": ["affected"],
}


def describe_bulk(
    resource: Resource,
    action: Action[Any],
    name: str,
    method: str,
    components: Components,
) -> dict[str, Any]:
    """Return the Operation Object of a bulk write."""
    return make_operation(
        tag=resource.slug,
        operation_id=f"{method.lower()}_{name}",
        summary=f"{action.name.capitalize()} many {resource.slug}",
        description=getdoc(action),
        parameters=_parameters(resource, action.name),
        body=None if method == "DELETE" else json_body(_body(resource, action.name)),
        responses={
            **problems(components, _statuses(resource, action.name)),
            **_successes(resource, action.name),
        },
    )


def array_response(resource: Resource, *, with_row: bool = False) -> dict[str, Any]:
    """Return the description of the response to an array.

    Args:
        resource: The resource.
        with_row: Whether the response may also be one row that was stored already.
    """
    row = row_schema(resource)
    schemas = [_report(resource), {"type": "array", "items": row}, *([row] if with_row else [])]
    or_row = "; or the row that was stored already" if with_row else ""
    description = f"The report of an array, or its rows, if they are preferred{or_row}"
    return json_response(description, {"anyOf": schemas})


def _body(resource: Resource, action: str) -> dict[str, Any]:
    own: Any = resource.options.bodies.get(action)
    if action == "create":
        row = own or create_schema(resource)
        return _array(resource, row)
    change = dict(own or update_schema(resource))
    of_key = {f.name: f.codec.body_schema for _, f in resource.paths.key_parameters}
    named = {
        **change,
        "properties": {**change.get("properties", {}), **of_key},
        "required": list(of_key),
    }
    if not resource.hooks[action]:  # Hooks may set what the body lacks.
        change["minProperties"] = 1
    return {"anyOf": [change, _array(resource, named)]}


def _array(resource: Resource, row: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": row, "maxItems": resource.options.bulk_limit}


def _statuses(resource: Resource, action: str) -> tuple[int, ...]:
    """Return the error statuses of a bulk write: those of one row are among them."""
    if action in resource.options.checks_if_match:
        return (*_ERROR_STATUSES[action], _PRECONDITION_REQUIRED)
    return _ERROR_STATUSES[action]


def _parameters(resource: Resource, action: str) -> list[dict[str, Any]]:
    # Without their examples: a request that has nothing else would lack a filter.
    own = [{n: v for n, v in p.items() if n != "example"} for p in write_parameters()]
    if action == "create":
        targets = resource.upsert_targets
        own += [] if targets is None else upsert_parameters(targets)
        return [*own, *(_choice(name) for name in (MODE, REPORT))]
    most = resource.options.bulk_limit
    limit = {
        "type": "integer",
        "minimum": 1,
        "maximum": most,
        "default": min(DEFAULT_MAX_AFFECTED, most),
    }
    own.append(
        {
            "name": MAX_AFFECTED,
            "in": "query",
            "description": "How many rows the filters may match; if more do, nothing is changed",
            "schema": limit,
        }
    )
    names = {parameter["name"] for parameter in own}
    return [*own, *(p for p in filter_parameters(resource) if p["name"] not in names)]


def _choice(name: str) -> dict[str, Any]:
    values = PARAMETERS[name]
    schema = {"type": "string", "enum": list(values), "default": values[0]}
    return {"name": name, "in": "query", "description": DESCRIPTIONS[name], "schema": schema}


def _successes(resource: Resource, action: str) -> dict[str, Any]:
    described = array_response(resource)
    if action != "create":
        schemas: list[dict[str, Any]] = [
            _AFFECTED,
            {"type": "array", "items": row_schema(resource)},
        ]
        if action == "update":
            schemas.append(_report(resource))
        described = json_response(
            "How many rows were changed, or the report of an array; or the rows, if"
            " they are preferred",
            {"anyOf": schemas},
        )
    headers = write_headers()
    return {
        "200": {**described, "headers": headers},
        "204": empty_response("Done; Prefer asks for no body", headers),
    }


def _report(resource: Resource) -> dict[str, Any]:
    key = resource.fields.key
    id_: dict[str, Any] = key[0].codec.schema
    if len(key) > 1:
        id_ = {"type": "object", "properties": {f.name: f.codec.schema for f in key}}
    return report_schema(id_)
