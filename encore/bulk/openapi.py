"""OpenAPI descriptions of bulk writes."""

from collections.abc import Mapping
from typing import Any, Final

from encore.bulk.request import DEFAULT_MAX_AFFECTED, MAX_AFFECTED, MODE, REPORT
from encore.bulk.texts import bulk_text
from encore.execution.actions.action import Action
from encore.execution.resource import Resource
from encore.openapi.components import Components
from encore.openapi.described_resource import DescribedResource
from encore.openapi.examples import key_example, update_example
from encore.openapi.headers import WRITE
from encore.openapi.operations import json_body
from encore.openapi.problems import problems
from encore.openapi.responses import json_response, no_content
from encore.openapi.schemas import (
    component_name,
    create_reference,
    own_body_schema,
    row_reference,
    update_reference,
    update_schema,
)
from encore.openapi.write_descriptions import upsert_parameters, write_parameters
from encore.uploads.parameters import DESCRIPTIONS, PARAMETERS
from encore.uploads.report_schemas import report_reference

_ERROR_STATUSES: Final = {
    "create": (400, 401, 403, 404, 406, 409, 412, 413, 415, 503),
    "update": (400, 401, 403, 404, 406, 409, 412, 413, 415, 503),
    "delete": (400, 401, 403, 404, 406, 409, 412, 413, 503),
}
_PRECONDITION_REQUIRED: Final = 428
_AFFECTED: Final = {
    "type": "object",
    "description": "How many rows a bulk write has changed or deleted.",
    "properties": {"affected": {"type": "integer", "minimum": 0}},
    "required": ["affected"],
    "examples": [{"affected": 1}],
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


def _body(components: Components, resource: Resource, action: str) -> dict[str, Any]:
    """Return the schema of a body: new rows; or one change, or an array of changes with keys.

    ``oneOf`` instead of ``anyOf``: of the latter, several generators make one class with the
    members of all alternatives.
    """
    own = resource.options.bodies.get(action)
    if action == "create":
        row = create_reference(resource, components) if own is None else own
        return _array(resource, own_body_schema(row, components))
    if own is None:
        change: Mapping[str, Any] = update_reference(resource, components)
        schema: Mapping[str, Any] = update_schema(resource, components)
    else:
        change, schema = own_body_schema(own, components), own
    of_key = {f.name: f.codec.accepts for _, f in resource.paths.key_parameters}
    keyed = {
        **schema,
        "description": "A change of the row with this key. " + schema.get("description", ""),
        "properties": {**of_key, **schema.get("properties", {})},
        "required": [*of_key, *schema.get("required", ())],
    }
    if own is None:
        keyed["examples"] = [key_example(resource) | update_example(resource)]
    name = f"{component_name(resource, components)}BulkUpdate"
    return {"oneOf": [change, _array(resource, components.schema(name, keyed))]}


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
            "example": 1,
        }
    )
    return [*own, *described.filters({parameter["name"] for parameter in own})]


def _choice(name: str) -> dict[str, Any]:
    values = PARAMETERS[name]
    schema = {"type": "string", "enum": list(values), "default": values[0]}
    return {"name": name, "in": "query", "description": DESCRIPTIONS[name], "schema": schema}


def _successes(components: Components, resource: Resource, action: str) -> dict[str, Any]:
    rows = {"type": "array", "items": row_reference(resource, components)}
    schemas: list[Mapping[str, Any]] = [rows]
    description = "The rows, if they are preferred"
    if action != "delete":
        schemas.insert(0, report_reference(resource, components))
        description = f"The report of an array. {description}"
    if action != "create":
        schemas.insert(0, components.schema("Affected", _AFFECTED))
        description = f"How many rows were changed. {description}"
    response = json_response(components, description, {"oneOf": schemas}, WRITE)
    return {"200": response, "204": no_content(components)}
