"""What OpenAPI says of operations that accept an idempotency key."""

from typing import Any, Final

from encore.idempotency.key import SCHEMA
from encore.openapi.components import Components
from encore.openapi.problems import problem, problems

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
_CONFLICT: Final = "409"
_USED_DIFFERENTLY: Final = 422


def with_idempotency(operation: dict[str, Any], components: Components) -> dict[str, Any]:
    """Return an operation with the header, its responses and errors."""
    responses = dict(operation["responses"])
    for status, response in responses.items():
        if status.startswith("2"):
            headers = {**response.get("headers", {}), **_REPLAYED}
            responses[status] = {**response, "headers": headers}
    conflict = responses.get(_CONFLICT, {}).get("description")
    text = _IN_USE if conflict is None else f"{conflict}. {_IN_USE}"
    responses |= problems(components, (_USED_DIFFERENTLY,))
    responses[_CONFLICT] = problem(components, text)
    parameters = [*operation.get("parameters", ()), _PARAMETER]
    return {**operation, "parameters": parameters, "responses": responses}
