"""A case: some requests, sent in order to both sides, whose answers are compared."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

JSON: Final = "application/json"
NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: The verb.
        path: Path and query, as Finale is asked.
        body: The bytes, or None.
        headers: Besides the usual ones.
        ours: The path that we are asked, where that differs and we are not made compatible.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ours: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked.

    Attributes:
        name: Unique; begins with the section of the behaviour.
        requests: In order. Both databases hold the fixed rows before the first.
        headers: Headers to compare beside the usual ones.
        exact: Compare every member of the bodies.
    """

    name: str
    requests: tuple[Request, ...]
    headers: tuple[str, ...] = ()
    exact: bool = False


def get(name: str, *paths: str, ours: str | None = None, headers: tuple[str, ...] = ()) -> Case:
    """Get one path or several; ``ours`` is our path for the only one."""
    return Case(name, tuple(Request("GET", path, ours=ours) for path in paths), headers)


def send(
    name: str,
    method: str,
    path: str,
    body: Any = NOTHING,
    *,
    then: tuple[str, ...] = (),
    do: str = "",
    headers: tuple[str, ...] = (),
) -> Case:
    """Send a body as JSON (bytes as they are), then get what became of it.

    Args:
        name: Of the case.
        method: The verb.
        path: Path and query.
        body: What to send, if anything.
        then: Paths to get afterwards.
        do: What the hooks shall do, as ``trace`` reads it.
        headers: Headers to compare beside the usual ones.
    """
    sent: dict[str, str] = {"X-Do": do} if do else {}
    data = None
    if body is not NOTHING:
        sent["Content-Type"] = JSON
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
    first = Request(method, path, data, sent)
    return Case(name, (first, *(Request("GET", one) for one in then)), headers)
