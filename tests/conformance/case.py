"""A test case: requests to send to both servers in order, and how to compare the responses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

JSON: Final = "application/json"
_NO_BODY: Final = object()


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: HTTP method.
        path: Path and query, in Finale's words.
        body: Encoded body, or None.
        headers: Request headers; http.client adds Host and Content-Length.
        strict_path: The same path in Encore's words, where those differ. Sent unless Encore runs
            with ``compatible="finale"``.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    strict_path: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One test case.

    Attributes:
        name: Unique; begins with the section of Finale's behaviour that it covers.
        requests: Sent in order, over freshly restored rows.
        headers: Response headers to compare besides the usual ones.
        exact: Compare bodies member by member, without normalization.
    """

    name: str
    requests: tuple[Request, ...]
    headers: tuple[str, ...] = ()
    exact: bool = False


def get(
    name: str, *paths: str, strict_path: str | None = None, headers: tuple[str, ...] = ()
) -> Case:
    """Return a case that GETs one or more paths; ``strict_path`` applies to each."""
    requests = tuple(Request("GET", path, strict_path=strict_path) for path in paths)
    return Case(name, requests, headers)


def send(
    name: str,
    method: str,
    path: str,
    body: Any = _NO_BODY,
    *,
    then: tuple[str, ...] = (),
    hooks: str = "",
    headers: tuple[str, ...] = (),
) -> Case:
    """Return a case that sends a request, then GETs paths that show its effect.

    Args:
        name: Name of the case.
        method: HTTP method.
        path: Path and query.
        body: Sent as JSON; bytes are sent unchanged.
        then: Paths to GET afterwards.
        hooks: What hooks shall do, in the syntax of ``hooks.py``: ``stage.timing=behaviour``.
        headers: Response headers to compare besides the usual ones.
    """
    request_headers = {"X-Hooks": hooks} if hooks else {}
    data = None
    if body is not _NO_BODY:
        request_headers["Content-Type"] = JSON
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
    first = Request(method, path, data, request_headers)
    return Case(name, (first, *(Request("GET", after) for after in then)), headers)
