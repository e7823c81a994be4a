"""Examples of problem documents, as the errors themselves render them."""

from collections.abc import Mapping
from typing import Any, Final

from encore.errors.problems import (
    ApiError,
    Conflict,
    Forbidden,
    HistoryUnavailable,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    NotAcceptable,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedMediaType,
)
from encore.execution.preconditions import precondition_required
from encore.query.parameter_errors import invalid_parameter
from encore.resource.definition import DEFAULT_BODY_LIMIT

_INSTANCE: Final = "/rows/1"
_REQUEST_ID: Final = "6f0c1b2a3d4e5f60"
_NO_VERSION: Final = "If-Match names no current version of the row; read the row again"

_ERRORS: Final[Mapping[str, ApiError]] = {
    "BadRequest": invalid_parameter("page", "must be an integer"),
    "Unauthorized": Unauthorized("You must send an Authorization header"),
    "Forbidden": Forbidden("Could not verify the proper scope"),
    "NotFound": NotFound(),
    "NotAcceptable": NotAcceptable(
        "This operation produces application/json, which Accept does not allow"
    ),
    "Conflict": Conflict("Validation error", [{"field": "id", "message": "id must be unique"}]),
    "InProgress": IdempotencyKeyInUse(),
    "Gone": HistoryUnavailable("The history is unknown before 2026-03-02T09:30:00.000Z"),
    "PreconditionFailed": PreconditionFailed(
        _NO_VERSION, [{"field": "If-Match", "message": _NO_VERSION}]
    ),
    "ContentTooLarge": PayloadTooLarge(f"The body may hold at most {DEFAULT_BODY_LIMIT} bytes"),
    "UnsupportedMediaType": UnsupportedMediaType("The body must be application/json in UTF-8"),
    "KeyUsed": IdempotencyKeyReused("This Idempotency-Key was used for another request"),
    "PreconditionRequired": precondition_required(),
    "ServiceUnavailable": ServiceUnavailable("The database cannot serve this now"),
}
"""An error of each response, by its name in ``problems``."""


def problem_example(name: str) -> dict[str, Any]:
    """Return the example of a response that is a problem.

    Args:
        name: The name of the response, such as ``NotFound``.
    """
    problem = _ERRORS[name].problem(_INSTANCE, _REQUEST_ID)
    return {**problem, "errors": list(problem["errors"])}
