"""OpenAPI 3.1 descriptions of generated operations, beyond what FastAPI reads from a signature.

The headers of responses, bodies, and every problem that an operation may return;
``query_parameters`` describes the parameters.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, WithJsonSchema

from encore.endpoints.conditional import (
    failed_response,
    not_modified_response,
    precondition_parameters,
    validator_headers,
)
from encore.endpoints.query_parameters import list_parameters, past_parameters, row_parameters
from encore.endpoints.write_descriptions import (
    upsert_parameters,
    write_parameters,
    write_responses,
)
from encore.http.form_body import FORM
from encore.http.prefer_header import COUNT_MODES
from encore.options import READING_ACTIONS
from encore.resource.definition import ResourceDefinition
from encore.resource.upsert_targets import UpsertTargets

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
    hint: Annotated[str | None, WithJsonSchema({"type": "string"})] = None


PROBLEM_CONTENT: Final = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}
"""The ``content`` of an error response: a problem."""

_PROBLEMS: Final[Mapping[int, str]] = {
    400: "The query or the body is invalid",
    401: "No valid token",
    403: "The token lacks the scope",
    404: "There is no such row",
    406: "Accept excludes the media types of this operation",
    409: "The row would break a unique or foreign key",
    410: "The state at that time is unknown, or its record has been deleted",
    412: "A precondition does not hold",
    413: "The body is too large",
    415: "The body has a media type or content coding that this operation does not read",
    422: "The idempotency key was used for another request",
    428: "The request must name the version of the row",
    503: "The keys or the database are unavailable",
}
_CONFLICT: Final = 409
_PRECONDITION_REQUIRED: Final = 428
_GONE: Final = 410
_OF_EVERY_ACTION: Final = (400, 401, 403, 503)
_OF_ACTION: Final[Mapping[str, tuple[int, ...]]] = {
    "create": (409, 412, 413, 415),
    "list": (412,),
    "read": (404, 412),
    "update": (404, 409, 412, 413, 415),
    "delete": (404, 409, 412),
    "restore": (404, 409, 412),
}
LOCATION: Final[Mapping[str, Any]] = {
    "Location": {"description": "The path of the row", "schema": {"type": "string"}}
}
"""The header of a response that names a row."""

_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "create": LOCATION,
    "list": {
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
    },
}


_INVALID_VALUES: Final[Mapping[str, Any]] = {
    "Invalid-Values": {
        "description": "How many stored values do not fit their columns; they are shown as text",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_NO_CONTENT: Final = "204"


def problem_responses(
    action: str,
    path: str,
    produces: Sequence[str],
    *,
    conflicts: bool = True,
    conditional: bool = False,
    reads_past: bool = False,
) -> dict[int | str, dict[str, Any]]:
    """Return the problems that an action may respond with, for OpenAPI.

    Args:
        action: The action's name.
        path: Its path template; a parent in it may not exist.
        produces: The media types that ``Accept`` is compared with; empty for none.
        conflicts: Whether conflicts are 409; they are 400 otherwise.
        conditional: Whether the request may need a precondition.
        reads_past: Whether it may read past rows (``as_of``).
    """
    of_path = (404,) if "{" in path else ()
    of_accept = (406,) if produces else ()
    of_condition = (_PRECONDITION_REQUIRED,) if conditional else ()
    statuses = {*_OF_EVERY_ACTION, *_OF_ACTION[action], *of_path, *of_accept, *of_condition}
    if reads_past:
        statuses.add(_GONE)
    return problems(sorted(statuses if conflicts else statuses - {_CONFLICT}))


def problems(statuses: Iterable[int]) -> dict[int | str, dict[str, Any]]:
    """Return the problems with these statuses, for OpenAPI."""
    return {
        status: {"description": _PROBLEMS[status], "content": PROBLEM_CONTENT}
        for status in statuses
    }


def operation_extras(
    resource: ResourceDefinition,
    action: str,
    status: int,
    form: Mapping[str, Any] | None = None,
    streams: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what a signature cannot describe: query parameters, headers and streams.

    Args:
        resource: The resource.
        action: The action's name.
        status: The status of its response.
        form: The JSON schema of a form that it reads besides JSON.
        streams: The media types of streams of all rows.
    """
    extras: dict[str, Any] = {}
    if action == "list":
        extras["parameters"] = list_parameters(resource)
    elif action != "create":
        extras["parameters"] = [
            *row_parameters(resource, reads=action == "read"),
            *past_parameters(resource, action),
        ]
    if conditions := precondition_parameters(resource, action):
        extras["parameters"] = [*extras.get("parameters", ()), *conditions]
    own_schema = resource.options.bodies.get(action)
    if own_schema is not None:
        extras["requestBody"] = json_body(own_schema)
    if form is not None:
        body = extras.setdefault("requestBody", {})
        schema = form if own_schema is None else own_schema
        body["content"] = {**body.get("content", {}), FORM: {"schema": schema}}
    if action == "update" or (
        action == "create" and not resource.bodies.rejects_empty and not resource.bodies.required
    ):  # An omitted body means an empty object.
        extras["requestBody"] = {**extras.get("requestBody", {}), "required": False}
    if action != "delete":
        own_headers = {} if action == "list" and not resource.options.pagination else _HEADERS
        validators = validator_headers(resource, action)
        headers = {**own_headers.get(action, {}), **_INVALID_VALUES, **validators}
        answer: dict[str, Any] = {"headers": headers}
        if streams:
            answer["content"] = {name: {"schema": {"type": "string"}} for name in streams}
        extras["responses"] = {str(status): answer, **not_modified_response(resource, action)}
    if action not in READING_ACTIONS:
        _describe_write(extras, status)
        _describe_no_content(extras["responses"], str(status))
    extras.setdefault("responses", {}).update(failed_response(resource, action))
    return extras


def describe_put(extras: dict[str, Any]) -> None:
    """Add the response of a PUT that creates a row to what ``operation_extras`` returns."""
    headers = {**extras["responses"]["200"]["headers"], **_HEADERS["create"]}
    extras["responses"]["201"] = {"headers": headers}


def describe_upsert(extras: dict[str, Any], targets: UpsertTargets) -> None:
    """Add an upsert's parameters and responses to what ``operation_extras`` returns."""
    extras["parameters"] = [*extras["parameters"], *upsert_parameters(targets)]
    headers = extras["responses"]["201"]["headers"]
    extras["responses"] = _merged(extras["responses"], write_responses(["200"]))
    extras["responses"]["200"]["headers"] = headers
    _describe_no_content(extras["responses"], "201")


def _describe_write(extras: dict[str, Any], status: int) -> None:
    """Add what all writes have in common."""
    extras["parameters"] = [*extras.get("parameters", ()), *write_parameters()]
    extras["responses"] = _merged(extras.get("responses", {}), write_responses([str(status)]))


def _describe_no_content(responses: dict[str, Any], status: str) -> None:
    """Give the 204 of a write the headers of its response with a body, except those of the body."""
    if _NO_CONTENT in responses:
        headers = responses[status]["headers"].items()
        kept = {name: header for name, header in headers if name not in _INVALID_VALUES}
        responses[_NO_CONTENT] = {**responses[_NO_CONTENT], "headers": kept}


def _merged(
    responses: Mapping[str, Mapping[str, Any]], others: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return responses with the headers and the responses of others."""
    merged: dict[str, Any] = dict(responses)
    for status, other in others.items():
        own = merged.get(status, {})
        headers = {**own.get("headers", {}), **other["headers"]}
        merged[status] = {**other, **own, "headers": headers}
    return merged


def json_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a body, from its JSON schema."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}
