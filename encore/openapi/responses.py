"""Responses of operations that succeed."""

from collections.abc import Mapping, Sequence
from typing import Any

from encore.openapi.components import Components
from encore.openapi.headers import INVALID_VALUES, WRITE, response_headers


def json_response(
    components: Components,
    description: str,
    schema: Mapping[str, Any],
    headers: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the description of a JSON response.

    Args:
        components: The components of the document.
        description: What the response is.
        schema: The JSON schema of its body.
        headers: The names of its headers: constants of ``headers``.
    """
    content = {"application/json": {"schema": schema}}
    response: dict[str, Any] = {"description": description, "content": content}
    if headers:
        response["headers"] = response_headers(components, headers)
    return response


def no_content(components: Components, headers: Sequence[str] = WRITE) -> dict[str, str]:
    """Return the response of a write without a body, as ``Prefer`` asks.

    Args:
        components: The components of the document.
        headers: The names of the headers of the same response with a body.
    """
    kept = [name for name in headers if name != INVALID_VALUES]
    described = response_headers(components, kept)
    response = {"description": "Done; Prefer asks for no body", "headers": described}
    return components.response(with_headers("NoContent", kept, WRITE), response)


def not_modified(components: Components, validators: Sequence[str]) -> dict[str, str]:
    """Return the response 304.

    Args:
        components: The components of the document.
        validators: The names of its headers.
    """
    described = response_headers(components, validators)
    response = {"description": "The representation is known already", "headers": described}
    return components.response(with_headers("NotModified", validators), response)


def with_headers(name: str, headers: Sequence[str], usual: Sequence[str] = ()) -> str:
    """Return the name of a response with these headers: ``NotModified.ETag``."""
    return ".".join([name, *(header for header in headers if header not in usual)])
