"""OpenAPI 3.1 descriptions of the generated actions of a resource, as plain dicts.

Their bodies, the headers of their responses, and every problem that they may respond with;
``query_parameters`` describes the parameters.
"""

from collections.abc import Iterable, Mapping, Sequence
from inspect import getdoc
from typing import Any, Final

from encore.execution.actions import Action
from encore.execution.resource import Resource
from encore.http.form_body import FORM
from encore.http.prefer_header import COUNT_MODES
from encore.models.fields import Field
from encore.openapi.components import Components
from encore.openapi.conditional import (
    failed_response,
    not_modified_response,
    precondition_parameters,
    validator_headers,
)
from encore.openapi.dialects import TOTAL_HEADER, deleted_row_schema, dialect_sentence
from encore.openapi.problems import problem_responses
from encore.openapi.query_parameters import list_parameters, past_parameters, row_parameters
from encore.openapi.schemas import (
    create_reference,
    create_schema,
    row_reference,
    update_reference,
    update_schema,
)
from encore.openapi.write_descriptions import upsert_parameters, write_headers, write_parameters
from encore.options import ACTIONS_WITH_BODIES, READING_ACTIONS
from encore.resource.definition import ResourceDefinition
from encore.resource.option_checks import PARAMETER

LOCATION: Final[Mapping[str, Any]] = {
    "Location": {"description": "The path of the row", "schema": {"type": "string"}}
}
"""The header of a response that names a row."""

_LIST_HEADERS: Final[Mapping[str, Any]] = {
    "Content-Range": {
        "description": "The range of these rows and the total: items a-b/total; for a page"
        " after the last row items */total, or items a-(a-1)/total as in Finale; items a-b/* if"
        " they are not counted",
        "schema": {"type": "string", "pattern": r"^items ((\d+-\d+|\*)/\d+|\d+-\d+/\*)$"},
    },
    "Link": {
        "description": "The next page, the previous and the first, if there are any"
        " (RFC 8288: next, prev, first)",
        "schema": {"type": "string"},
    },
    "Preference-Applied": {
        "description": "How the rows were counted, if Prefer chose it or they are estimated",
        "schema": {"type": "string", "enum": [f"count={name}" for name in COUNT_MODES]},
    },
}
_INVALID_VALUES: Final[Mapping[str, Any]] = {
    "Invalid-Values": {
        "description": "How many stored values do not fit their columns; they are shown as text",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_CREATE: Final = "create"
_PUT: Final = "PUT"
_DONE: Final = "Done; Prefer asks for no body"
_SUCCESS: Final = "Successful Response"


def make_operation(
    *,
    tag: str,
    operation_id: str,
    summary: str,
    description: str | None,
    parameters: Iterable[Mapping[str, Any]],
    responses: Mapping[str, Any],
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an Operation Object; the responses are ordered by their statuses."""
    operation: dict[str, Any] = {"tags": [tag], "summary": summary}
    if description:
        operation["description"] = description
    operation["operationId"] = operation_id
    if described := list(parameters):
        operation["parameters"] = described
    if body is not None:
        operation["requestBody"] = body
    operation["responses"] = {status: responses[status] for status in sorted(responses)}
    return operation


def path_parameters(path: str, fields: Iterable[tuple[str, Field]]) -> list[dict[str, Any]]:
    """Return the descriptions of a path's parameters.

    Args:
        path: The path template.
        fields: The names of parameters, and the fields that they hold; others are strings.
    """
    schemas = {name: field.codec.schema for name, field in fields}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": schemas.get(name, {"type": "string"}),
        }
        for name in PARAMETER.findall(path)
    ]


def json_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a body, from its JSON schema."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def json_response(
    description: str, schema: Mapping[str, Any], headers: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the description of a JSON response, from its schema."""
    response = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {**response, "headers": headers} if headers else response


def empty_response(description: str, headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a response without a body."""
    return {"description": description, "headers": headers}


def describe_action(  # noqa: PLR0917 - the parts of a route, in their order
    components: Components,
    action: Action[Any],
    path: str,
    method: str,
    produces: Sequence[str],
    streams: Sequence[str] = (),
    array: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the operation of a generated action.

    Args:
        components: The components of the document.
        action: The action.
        path: Its path template.
        method: Its HTTP method.
        produces: The media types that ``Accept`` is compared with; empty for none.
        streams: The media types of streams of all rows.
        array: The response to an array, if the action accepts one.
    """
    resource = action.resource
    return make_operation(
        tag=resource.slug,
        operation_id=f"{method.lower()}_{action.name}_{resource.slug}",
        summary=f"{action.name.capitalize()} {resource.slug}",
        description=_description(action),
        parameters=[
            *path_parameters(path, resource.path_fields),
            *_parameters(resource, action.name),
        ],
        body=_request_body(components, resource, action.name, accepts_array=array is not None),
        responses={
            **problem_responses(
                components,
                action.name,
                path,
                produces,
                conflicts=resource.compatibility.conflicts,
                conditional=action.may_require_match() or action.conditional,
                reads_past=resource.history is not None and action.name in READING_ACTIONS,
            ),
            **failed_response(components, resource, action.name),
            **_successes(components, action, method, streams, array),
        },
    )


def _description(action: Action[Any]) -> str | None:
    """Return what an action does."""
    sentence = dialect_sentence(action.resource) if action.name == "list" else ""
    description = getdoc(action)
    return f"{description}\n\n{sentence}" if description and sentence else description


def _parameters(resource: Resource, action: str) -> list[Mapping[str, Any]]:
    """Return the query parameters and headers of an action."""
    parameters: list[Mapping[str, Any]] = []
    if action == "list":
        parameters += list_parameters(resource)
    elif action != _CREATE:
        parameters += row_parameters(resource, reads=action == "read")
        parameters += past_parameters(resource, action)
    parameters += precondition_parameters(resource, action)
    if action not in READING_ACTIONS:
        parameters += write_parameters()
    if action == _CREATE and resource.upsert_targets is not None:
        parameters += upsert_parameters(resource.upsert_targets)
    return parameters


def _successes(
    components: Components,
    action: Action[Any],
    method: str,
    streams: Sequence[str],
    array: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the responses of an action that has succeeded, by status."""
    resource, name = action.resource, action.name
    if name == "delete":
        headers = write_headers()
        schema = deleted_row_schema(resource, components)
        response = json_response(_SUCCESS, schema, headers)
        return {"200": response, "204": empty_response(_DONE, headers)}
    row = row_reference(resource, components)
    headers = {**_INVALID_VALUES, **validator_headers(resource, name)}
    if name in READING_ACTIONS:
        if name == "list" and resource.options.pagination:
            totals = TOTAL_HEADER if resource.options.dialects else {}
            headers = {**_LIST_HEADERS, **totals, **headers}
        schema = {"type": "array", "items": row} if name == "list" else row
        response = json_response(_SUCCESS, schema, headers)
        response["content"] |= {stream: {"schema": {"type": "string"}} for stream in streams}
        return {"200": response, **not_modified_response(resource, name)}
    headers = {**headers, **write_headers()}
    without_body = {n: header for n, header in headers.items() if n not in _INVALID_VALUES}
    if name == _CREATE:
        headers = {**LOCATION, **headers}
        return _creations(resource, row, headers, array)
    responses = {
        "200": json_response(_SUCCESS, row, headers),
        "204": empty_response(_DONE, without_body),
    }
    if method == _PUT and resource.options.put_creates:
        responses["201"] = json_response("The row was created", row, {**LOCATION, **headers})
    return responses


def _creations(
    resource: Resource,
    row: Mapping[str, Any],
    headers: Mapping[str, Any],
    array: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the responses of a create, and of an upsert."""
    responses: dict[str, Any] = {"201": json_response(_SUCCESS, row, headers)}
    if resource.upsert_targets is not None:
        without_body = {n: header for n, header in headers.items() if n not in _INVALID_VALUES}
        responses["200"] = json_response("The row was stored already", row, headers)
        responses["204"] = empty_response(_DONE, without_body)
    if array is not None:
        responses["200"] = {**responses.get("200", {}), **array}
    return responses


def _request_body(
    components: Components, resource: Resource, action: str, *, accepts_array: bool
) -> dict[str, Any] | None:
    """Return the body of an action; None if it has none."""
    if action not in ACTIONS_WITH_BODIES:
        return None
    own = resource.options.bodies.get(action)
    reference = create_reference if action == _CREATE else update_reference
    schema: Mapping[str, Any] = reference(resource, components) if own is None else own
    content = {"application/json": {"schema": schema}}
    if accepts_array and own is None:
        most = resource.options.bulk_limit
        array = {"type": "array", "items": schema, "maxItems": most}
        content = {"application/json": {"schema": {"anyOf": [schema, array]}}}
    if resource.compatibility.reads_forms:
        inline = create_schema if action == _CREATE else update_schema
        content[FORM] = {"schema": inline(resource) if own is None else own}
    return {"required": _needs_body(resource, action), "content": content}


def _needs_body(resource: ResourceDefinition, action: str) -> bool:
    """Return whether a body must be sent: an omitted one means an empty object."""
    bodies = resource.bodies
    return action == _CREATE and bool(bodies.rejects_empty or bodies.required)
