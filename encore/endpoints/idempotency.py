"""What OpenAPI says of operations that accept an idempotency key."""

from http import HTTPStatus
from typing import Any, Final

from fastapi.routing import APIRoute

from encore.endpoints.openapi import PROBLEM_CONTENT, problems
from encore.idempotency.key import SCHEMA

_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same request with the same key is carried out once and gets the same"
    " response: a string in quotation marks, or 1 to 255 visible characters",
    "schema": SCHEMA,
}
_IN_USE: Final = "A request with the same Idempotency-Key is in progress"
_REPLAYED: Final = {
    "Idempotency-Replayed": {
        "description": "The response is that of an earlier request with the same key",
        "schema": {"type": "string", "const": "true"},
    }
}


def describe_idempotency(route: APIRoute) -> None:
    """Add the header, its responses and errors to the description of a route."""
    extra: dict[str, Any] = dict(route.openapi_extra or {})
    extra["parameters"] = [*extra.get("parameters", ()), _PARAMETER]
    own: dict[str, Any] = {str(status): value for status, value in route.responses.items()}
    described = extra["responses"] = dict(extra.get("responses", {}))
    success = str(route.status_code or HTTPStatus.OK)
    for status in {success, *own, *described}:
        if status.startswith("2"):
            response = described.get(status, {})
            headers = {**response.get("headers", {}), **_REPLAYED}
            described[status] = {**response, "headers": headers}
    route.openapi_extra = extra
    conflict = own.get(str(HTTPStatus.CONFLICT.value), {}).get("description")
    text = _IN_USE if conflict is None else f"{conflict}. {_IN_USE}"
    route.responses = {
        **route.responses,
        **problems((HTTPStatus.UNPROCESSABLE_ENTITY,)),
        HTTPStatus.CONFLICT.value: {"description": text, "content": PROBLEM_CONTENT},
    }
