"""Problem documents (RFC 9457) in OpenAPI: their schema, and the responses that have them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from encore.openapi.components import Components
from encore.openapi.headers import response_headers
from encore.openapi.problem_examples import problem_example
from encore.openapi.responses import with_headers

_FIELD_ERROR: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "What is wrong with one member of the body, or with one parameter.",
    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    "required": ["field", "message"],
    "examples": [{"field": "page", "message": "page must be an integer"}],
}
_MEMBERS: Final[Mapping[str, Any]] = {
    "type": {"type": "string"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "instance": {"type": "string"},
    "request_id": {"type": "string"},
    "message": {"type": "string"},
    "errors": {
        "type": "array",
        "items": {"oneOf": [{"$ref": "#/components/schemas/FieldError"}, {"type": "string"}]},
    },
    "hint": {"type": "string"},
}
_PROBLEM: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "RFC 9457, with Finale's `message` and `errors`.",
    "properties": _MEMBERS,
    "required": [name for name in _MEMBERS if name != "hint"],
    "examples": [problem_example("BadRequest")],
}
PROBLEM_SCHEMAS: Final[Mapping[str, Any]] = {"FieldError": _FIELD_ERROR, "Problem": _PROBLEM}
"""The schemas of a problem, by the names of their components."""

_NAMES_AND_DESCRIPTIONS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("BadRequest", "The query or the body is invalid"),
    401: ("Unauthorized", "No valid token"),
    403: ("Forbidden", "The token lacks the scope"),
    404: ("NotFound", "There is no such row"),
    406: ("NotAcceptable", "Accept excludes the media types of this operation"),
    409: ("Conflict", "The row would break a unique or foreign key"),
    410: ("Gone", "The state at that time is unknown, or its record has been deleted"),
    412: ("PreconditionFailed", "A precondition does not hold"),
    413: ("ContentTooLarge", "The body is too large"),
    415: (
        "UnsupportedMediaType",
        "The body has a media type or content coding that this operation does not read",
    ),
    422: ("KeyUsed", "The idempotency key was used for another request"),
    428: ("PreconditionRequired", "The request must name the version of the row"),
    503: ("ServiceUnavailable", "The keys or the database are unavailable"),
}
_IN_PROGRESS: Final = "A request with the same Idempotency-Key is in progress"
_CONFLICT: Final = 409
_PRECONDITION_FAILED: Final = 412
_KEY_USED: Final = 422
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
    keyed: bool = False,
    validators: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the problems that an action may respond with, by status.

    Args:
        components: The components of the document.
        action: The action's name.
        path: Its path template; a parent in it may not exist.
        produces: The media types that ``Accept`` is compared with; empty for none.
        conflicts: Whether conflicts are 409; they are 400 otherwise.
        conditional: Whether the request may need a precondition.
        reads_past: Whether it may read past rows (``as_of``).
        keyed: Whether the request may have an ``Idempotency-Key``.
        validators: The names of the headers of a 412.
    """
    of_path = (404,) if "{" in path else ()
    of_accept = (406,) if produces else ()
    of_condition = (_PRECONDITION_REQUIRED,) if conditional else ()
    statuses = {*_OF_EVERY_ACTION, *_OF_ACTION[action], *of_path, *of_accept, *of_condition}
    if reads_past:
        statuses.add(_GONE)
    if not conflicts:
        statuses.discard(_CONFLICT)
    return problems(components, statuses, keyed=keyed, validators=validators)


def problems(
    components: Components,
    statuses: Iterable[int],
    *,
    keyed: bool = False,
    validators: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the problems with these statuses, as references.

    Args:
        components: The components of the document.
        statuses: The statuses.
        keyed: Whether the request may have an ``Idempotency-Key``, which adds 409 and 422.
        validators: The names of the headers of a 412.
    """
    given = frozenset(statuses)
    make = partial(_make_problems, components, given, keyed=keyed, validators=validators)
    # Many operations have the same ones.
    return dict(components.once((given, keyed, tuple(validators)), "problems", make))


def _make_problems(
    components: Components, given: Collection[int], *, keyed: bool, validators: Sequence[str]
) -> dict[str, Any]:
    of_key = {_CONFLICT, _KEY_USED} if keyed else set()
    return {
        str(status): _problem(components, status, given if keyed else None, validators)
        for status in sorted({*given} | of_key)
    }


def problem_reference(components: Components) -> dict[str, str]:
    """Return a reference to the schema of problems, and define it."""
    field_error_reference(components)
    return components.schema("Problem", _PROBLEM)


def field_error_reference(components: Components) -> dict[str, str]:
    """Return a reference to the schema of one error of a problem or a report, and define it."""
    return components.schema("FieldError", _FIELD_ERROR)


def _problem(
    components: Components, status: int, keyed: Collection[int] | None, validators: Sequence[str]
) -> dict[str, str]:
    """Return one problem.

    Args:
        components: The components of the document.
        status: Its status.
        keyed: The other statuses of an operation that accepts keys; None for other operations.
        validators: The names of the headers of a 412.
    """
    name, description = _NAMES_AND_DESCRIPTIONS[status]
    response: dict[str, Any] = {"description": description}
    error = name
    if status == _CONFLICT and keyed is not None:
        is_only_of_key = status not in keyed
        error = "InProgress" if is_only_of_key else name
        name = "InProgress" if is_only_of_key else "ConflictOrInProgress"
        response["description"] = (
            _IN_PROGRESS if is_only_of_key else f"{description}. {_IN_PROGRESS}"
        )
    if status == _PRECONDITION_FAILED and validators:
        name = with_headers(name, validators)
        response["headers"] = response_headers(components, validators)
    media_type = {"schema": problem_reference(components), "example": problem_example(error)}
    response["content"] = {"application/problem+json": media_type}
    return components.response(name, response)
