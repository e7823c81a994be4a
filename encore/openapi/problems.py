"""Problem documents (RFC 9457) in OpenAPI: their schema, and the responses that have them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from encore.openapi.components import Components

_FIELD_ERROR: Final = {
    "type": "object",
    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    "required": ["field", "message"],
}
_MEMBERS: Final[Mapping[str, Any]] = {
    "type": {"type": "string"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "instance": {"type": "string"},
    "request_id": {"type": "string"},
    "message": {"type": "string"},
    "errors": {"type": "array", "items": {"anyOf": [_FIELD_ERROR, {"type": "string"}]}},
    "hint": {"type": "string"},
}
PROBLEM: Final[Mapping[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457, with Finale's ``message`` and ``errors``.",
    "properties": _MEMBERS,
    "required": [name for name in _MEMBERS if name != "hint"],
}
"""The schema of a problem."""

PROBLEM_CONTENT: Final = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}
"""The ``content`` of an error response: a problem."""

_DESCRIPTIONS: Final[Mapping[int, str]] = {
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


def problem_responses(
    components: Components,
    action: str,
    path: str,
    produces: Sequence[str],
    *,
    conflicts: bool = True,
    conditional: bool = False,
    reads_past: bool = False,
) -> dict[str, dict[str, Any]]:
    """Return the problems that an action may respond with, by status.

    Args:
        components: The components of the document.
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
    return problems(components, statuses if conflicts else statuses - {_CONFLICT})


def problems(components: Components, statuses: Iterable[int]) -> dict[str, dict[str, Any]]:
    """Return the problems with these statuses."""
    return {str(status): problem(components, _DESCRIPTIONS[status]) for status in sorted(statuses)}


def problem(components: Components, description: str) -> dict[str, Any]:
    """Return the response that is a problem."""
    components.schema("Problem", PROBLEM)
    return {"description": description, "content": PROBLEM_CONTENT}
