"""Parsing responses: JSON, problem documents (RFC 9457), and other bodies that servers send."""

import json
from typing import TYPE_CHECKING, Any, Final

from encore.client.errors import (
    ApiError,
    ClientError,
    NotModified,
    UnexpectedResponseError,
    api_error_class,
)
from encore.client.strict_json import parse_json
from encore.client.urls import origin

if TYPE_CHECKING:
    import httpx

MAX_PLAIN_TEXT: Final = 500
"""Characters of a plain-text error that are shown."""

_REDIRECTS: Final = range(300, 400)
_NOT_MODIFIED: Final = 304
_BAD_REQUEST: Final = 400


def check_response(response: "httpx.Response") -> None:
    """Raise the error of a response that is not a success.

    Args:
        response: Read completely, unless it is a success.

    Raises:
        ApiError: 4xx or 5xx, of the class of its status.
        NotModified: 304.
        UnexpectedResponseError: A redirect.
    """
    if response.status_code >= _BAD_REQUEST:
        raise build_api_error(response)
    if response.status_code == _NOT_MODIFIED:
        raise NotModified("304 Not Modified", _NOT_MODIFIED)
    if is_redirect(response):
        raise UnexpectedResponseError(
            f"{origin(str(response.request.url))} responded with a redirect"
            f" ({response.status_code}), which is not followed: the token is only sent to the"
            " requested URL.",
            response.status_code,
        )


def build_api_error(response: "httpx.Response") -> ApiError:
    """Return a 4xx or 5xx as an error, without the token if the API has repeated it."""
    _, _, token = response.request.headers.get("authorization", "").partition(" ")
    message, problem = describe_error(response), parse_problem(response)
    if token and token in response.text:
        message = message.replace(token, "***")
        problem = json.loads(json.dumps(problem).replace(token, "***"))
    status, retry_after = response.status_code, response.headers.get("retry-after", "")
    error = api_error_class(status)(message, status, retry_after)
    error.problem = problem
    return error


def parse_success(response: "httpx.Response") -> Any:
    """Return the value of a successful response; None if it has no body.

    Raises:
        ClientError: As ``check_response``, or the body is not JSON.
    """
    check_response(response)
    if not response.content:
        return None
    try:
        return parse_body(response)
    except ValueError as error:
        raise not_json(response) from error


def not_json(response: "httpx.Response") -> ClientError:
    """Return the error of a response that should have been JSON."""
    media_type = response.headers.get("content-type", "no content type")
    return UnexpectedResponseError(
        f"{origin(str(response.request.url))} responded {response.status_code} with a body that is"
        f" not JSON ({media_type})."
    )


def parse_body(response: "httpx.Response") -> Any:
    """Return the value of a JSON body.

    Raises:
        ValueError: The body is not JSON in UTF-8.
    """
    return parse_json(response.content.decode("utf-8-sig"))


def parse_problem(response: "httpx.Response") -> dict[str, Any]:
    """Return the members of an error response; empty if it is not a JSON object."""
    try:
        problem = parse_body(response)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def is_redirect(response: "httpx.Response") -> bool:
    """Return whether the status is 3xx; the client follows no redirects."""
    return response.status_code in _REDIRECTS


def describe_plain_response(response: "httpx.Response") -> str:
    """Return the reason phrase, and the beginning of a plain-text body."""
    phrase: str = response.reason_phrase
    if response.headers.get("content-type", "").startswith("text/plain"):
        body = response.content.decode("utf-8", "replace").strip()
        return f"{phrase}: {body[:MAX_PLAIN_TEXT]}" if body else phrase
    return phrase


def describe_error(response: "httpx.Response") -> str:
    """Return an error response as text: status, title and detail, then one line for each error.

    Args:
        response: 4xx or 5xx. Problem documents with Finale's ``message`` and ``errors``
            (``[{"field", "message"}]``, or names) are supported; any other body is shortened.
    """
    problem = parse_problem(response)
    if not problem:
        return f"{response.status_code} {describe_plain_response(response)}".rstrip()
    title = _first_string(problem, "title", "error") or response.reason_phrase
    detail = _first_string(problem, "detail", "message", "error_description")
    lines = [f"{response.status_code} {title}".rstrip()]
    if detail and detail != title:
        lines[0] += f": {detail}"
    errors = problem.get("errors")
    lines += [f"  {_format_error(error)}" for error in (errors if isinstance(errors, list) else ())]
    if request_id := _first_string(problem, "request_id"):
        lines.append(f"  request id: {request_id}")
    return "\n".join(lines)


def _first_string(members: dict[str, Any], *names: str) -> str:
    """Return the first of these members that is a non-empty string, or an empty string."""
    values = (members.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), "")


def _format_error(error: Any) -> str:
    if isinstance(error, dict) and "field" in error:
        return f"{error['field']}: {error.get('message', '')}".rstrip()
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)
