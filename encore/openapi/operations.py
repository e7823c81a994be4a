"""OpenAPI 3.1 descriptions of the generated actions of a resource, as plain dicts.

Their bodies, the headers of their responses, and every problem that they may respond with;
``query_parameters`` describes the parameters, ``texts`` what they do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from encore.execution.actions import Action
from encore.execution.resource import Resource
from encore.http.form_body import FORM
from encore.openapi.components import Components
from encore.openapi.conditional import (
    precondition_parameters,
    validators,
    validators_of_failure,
)
from encore.openapi.described_resource import DescribedResource
from encore.openapi.dialects import deleted_row_schema
from encore.openapi.examples import (
    create_example,
    csv_example,
    ndjson_example,
    row_example,
    update_example,
)
from encore.openapi.headers import INVALID_VALUES, LIST, LOCATION, TOTAL_COUNT, WRITE
from encore.openapi.problems import problem_responses
from encore.openapi.query_parameters import page_parameters, past_parameters, row_parameters
from encore.openapi.responses import json_response, no_content, not_modified
from encore.openapi.schemas import (
    create_reference,
    own_body_schema,
    row_reference,
    update_reference,
)
from encore.openapi.texts import action_text
from encore.openapi.write_descriptions import upsert_parameters, write_parameters
from encore.options import ACTIONS_WITH_BODIES, READING_ACTIONS
from encore.resource.definition import ResourceDefinition

_CREATE: Final = "create"
_EXAMPLES: Final = {_CREATE: create_example, "update": update_example}
_PUT: Final = "PUT"


def json_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a body, from its JSON schema."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def describe_action(  # noqa: PLR0917 - the parts of a route, in their order
    components: Components,
    action: Action[Any],
    path: str,
    method: str,
    produces: Sequence[str],
    streams: Sequence[str] = (),
    note: str = "",
) -> dict[str, Any]:
    """Return the operation of a generated action.

    Args:
        components: The components of the document.
        action: The action.
        path: Its path template.
        method: Its HTTP method.
        produces: The media types that ``Accept`` is compared with; empty for none.
        streams: The media types of streams of all rows.
        note: A sentence that is added to its description.
    """
    resource, name = action.resource, action.name
    described = DescribedResource(components, resource)
    text = action_text(action, method, described.names)
    return described.operation(
        replace(text, description=f"{text.description} {note}".strip()),
        path,
        parameters=_parameters(described, name),
        body=_request_body(components, resource, name),
        responses={
            **problem_responses(
                components,
                name,
                path,
                produces,
                conflicts=resource.compatibility.conflicts,
                conditional=action.may_require_match() or action.conditional,
                reads_past=resource.history is not None and name in READING_ACTIONS,
                keyed=action.writes,
                validators=validators_of_failure(resource, name),
            ),
            **_successes(described, action, method, streams),
        },
    )


def _parameters(described: DescribedResource, action: str) -> list[Mapping[str, Any]]:
    """Return the query parameters and headers of an action."""
    resource = described.resource
    parameters: list[Mapping[str, Any]] = []
    if action == "list":
        parameters += page_parameters(resource)
        parameters += described.filters({parameter["name"] for parameter in parameters})
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
    described: DescribedResource,
    action: Action[Any],
    method: str,
    streams: Sequence[str],
) -> dict[str, Any]:
    """Return the responses of an action that has succeeded, by status."""
    resource, name = action.resource, action.name
    components, singular = described.components, described.names.singular
    if name == "delete":
        schema = deleted_row_schema(resource, components)
        what = "The deleted row" if "$ref" in schema else "An empty object"
        deleted = json_response(components, what, schema, WRITE)
        return {"200": deleted, "204": no_content(components)}
    row = row_reference(resource, components)
    headers = (INVALID_VALUES, *validators(resource, name))
    if name == "list":
        return _pages(described, row, headers, streams)
    if name == "read":
        response = json_response(components, f"The {singular}", row, headers)
        return {"200": response, "304": not_modified(components, validators(resource, name))}
    headers = (*headers, *WRITE)
    if name == _CREATE:
        return _creations(described, row, (LOCATION, *headers))
    responses = {
        "200": json_response(components, f"The {singular} as it is now", row, headers),
        "204": no_content(components, headers),
    }
    if method == _PUT and resource.options.put_creates:
        headers = (LOCATION, *headers)
        responses["201"] = json_response(components, f"The new {singular}", row, headers)
    return responses


def _pages(
    described: DescribedResource,
    row: Mapping[str, Any],
    headers: Sequence[str],
    streams: Sequence[str],
) -> dict[str, Any]:
    """Return the responses of a list."""
    components, resource = described.components, described.resource
    plural, schema = described.names.plural, {"type": "array", "items": row}
    if resource.options.pagination:
        totals = (TOTAL_COUNT,) if resource.options.dialects else ()
        headers = (*LIST, *totals, *headers)
        response = json_response(components, f"A page of {plural}", schema, headers)
    else:
        response = json_response(components, f"All {plural}", schema, headers)
    response["content"] |= {stream: _stream(resource, stream) for stream in streams}
    return {"200": response, "304": not_modified(components, validators(resource, "list"))}


def _stream(resource: ResourceDefinition, media_type: str) -> dict[str, Any]:
    """Return the description of a list as a stream; related rows in cells have no example."""
    described: dict[str, Any] = {"schema": {"type": "string"}}
    if media_type == "application/x-ndjson":
        described["example"] = ndjson_example([row_example(resource)])
    elif not resource.serializer.children:
        described["example"] = csv_example([row_example(resource)])
    return described


def _creations(
    described: DescribedResource, row: Mapping[str, Any], headers: Sequence[str]
) -> dict[str, Any]:
    """Return the responses of a create, and of an upsert."""
    components, singular = described.components, described.names.singular
    responses: dict[str, Any] = {
        "201": json_response(components, f"The new {singular}", row, headers)
    }
    if described.resource.upsert_targets is not None:
        stored = json_response(components, f"The {singular}, stored already", row, headers)
        responses |= {"200": stored, "204": no_content(components, headers)}
    return responses


def _request_body(components: Components, resource: Resource, action: str) -> dict[str, Any] | None:
    """Return the body of an action; None if it has none."""
    if action not in ACTIONS_WITH_BODIES:
        return None
    own = resource.options.bodies.get(action)
    reference = create_reference if action == _CREATE else update_reference
    schema = own_body_schema(own, components) if own else reference(resource, components)
    media: dict[str, Any] = {"schema": schema}
    if not own:  # Postman's converter reads no examples of JSON Schema.
        media["example"] = _EXAMPLES[action](resource)
    content: dict[str, Any] = {"application/json": media}
    if resource.compatibility.reads_forms:
        content[FORM] = {"schema": schema}
    return {"required": _needs_body(resource, action), "content": content}


def _needs_body(resource: ResourceDefinition, action: str) -> bool:
    """Return whether a body must be sent: an omitted one means an empty object."""
    bodies = resource.bodies
    return action == _CREATE and bool(bodies.rejects_empty or bodies.required)
