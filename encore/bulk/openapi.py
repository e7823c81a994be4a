"""OpenAPI descriptions of bulk writes."""

from collections.abc import Mapping
from typing import Any, Final

from encore.bulk.request import DEFAULT_MAX_AFFECTED, MAX_AFFECTED, MODE, REPORT
from encore.bulk.texts import bulk_text
from encore.execution.actions.action import Action
from encore.execution.resource import Resource
from encore.openapi.components import Components
from encore.openapi.described_resource import DescribedResource
from encore.openapi.headers import WRITE
from encore.openapi.operations import json_body
from encore.openapi.problems import problems
from encore.openapi.responses import json_response, no_content
from encore.openapi.schemas import create_reference, row_reference, update_schema
from encore.openapi.write_descriptions import upsert_parameters, write_parameters
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
    resource: Resource, action: Action[Any], method: str, components: Components
) -> dict[str, Any]:
    """Return the Operation Object of a bulk write."""
    described = DescribedResource(components, resource)
    name = action.name
    return described.operation(
        bulk_text(name, described.names),
        resource.collection_path,
        parameters=_parameters(described, name),
        body=None if method == "DELETE" else json_body(_body(components, resource, name)),
        responses={
            **problems(components, _statuses(resource, name), keyed=True),
            **_successes(components, resource, name),
        },
    )


def array_response(
    components: Components, resource: Resource, *, with_row: bool = False
) -> dict[str, Any]:
    """Return the description of the response to an array.

    Args:
        components: The components of the document.
        resource: The resource.
        with_row: Whether the response may also be one row that was stored already.
    """
    row = row_reference(resource, components)
    schemas = [_report(resource), {"type": "array", "items": row}, *([row] if with_row else [])]
    or_row = "; or the row that was stored already" if with_row else ""
    description = f"The report of an array, or its rows, if they are preferred{or_row}"
    return json_response(components, description, {"anyOf": schemas}, WRITE)


def _body(components: Components, resource: Resource, action: str) -> dict[str, Any]:
    own: Any = resource.options.bodies.get(action)
    if action == "create":
        return _array(resource, own or create_reference(resource, components))
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


def _array(resource: Resource, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": row, "maxItems": resource.options.bulk_limit}


def _statuses(resource: Resource, action: str) -> tuple[int, ...]:
    """Return the error statuses of a bulk write: those of one row are among them."""
    if action in resource.options.checks_if_match:
        return (*_ERROR_STATUSES[action], _PRECONDITION_REQUIRED)
    return _ERROR_STATUSES[action]


def _parameters(described: DescribedResource, action: str) -> list[Mapping[str, Any]]:
    resource, own = described.resource, write_parameters()
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
    return [*own, *described.filters({parameter["name"] for parameter in own})]


def _choice(name: str) -> dict[str, Any]:
    values = PARAMETERS[name]
    schema = {"type": "string", "enum": list(values), "default": values[0]}
    return {"name": name, "in": "query", "description": DESCRIPTIONS[name], "schema": schema}


def _successes(components: Components, resource: Resource, action: str) -> dict[str, Any]:
    if action == "create":
        response = array_response(components, resource)
    else:
        rows = {"type": "array", "items": row_reference(resource, components)}
        schemas: list[dict[str, Any]] = [_AFFECTED, rows]
        if action == "update":
            schemas.append(_report(resource))
        or_report = ", or the report of an array" if action == "update" else ""
        description = f"How many rows were changed{or_report}; or the rows, if they are preferred"
        response = json_response(components, description, {"anyOf": schemas}, WRITE)
    return {"200": response, "204": no_content(components)}


def _report(resource: Resource) -> dict[str, Any]:
    key = resource.fields.key
    id_: dict[str, Any] = key[0].codec.schema
    if len(key) > 1:
        id_ = {"type": "object", "properties": {f.name: f.codec.schema for f in key}}
    return report_schema(id_)
