"""Requests inside a request: the ASGI scope and channel of an action that another one runs.

A batch, and a bulk write that goes row by row, run pipelines in their own transaction
(``Pipeline.run`` with ``outer``). Each gets a scope of its own, so that its path, query, headers
and body are judged as those of a request, on behalf of the same caller.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.types import Message, Receive, Scope

from encore.http.request_state import Header, RequestState


def sub_scope(
    scope: Scope,
    method: str,
    path: str,
    path_params: Mapping[str, Any],
    *,
    query: bytes = b"",
    headers: Iterable[Header] = (),
) -> Scope:
    """Return the scope of a request inside another, with the same caller and request id.

    Args:
        scope: The outer request.
        method: Its method, in upper case.
        path: Its path, decoded, without the root path.
        path_params: The parameters of its path, decoded.
        query: Its query string, percent-encoded.
        headers: Its own headers; none of the outer request's are inherited.
    """
    outer = RequestState.from_scope(scope)
    root: str = scope.get("root_path", "")
    inner = {
        **scope,
        "method": method,
        "path": root + path,
        "raw_path": quote(root + path).encode(),
        "query_string": query,
        "headers": list(headers),
        "path_params": dict(path_params),
    }
    state = RequestState(outer.request_id, headers=outer.headers, channel=outer.channel)
    state.inherit(outer)
    state.access, state.route = outer.access, outer.route
    state.attach(inner)
    return inner


def body_receive(body: bytes) -> Receive:
    """Return a channel that has this body."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
