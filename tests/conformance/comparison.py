"""Compares two responses after removing what differs by nature.

Timestamps of the write itself become a constant if they have Sequelize's format. Of an error only
Finale's members are compared, and Finale's row of the association table (``bookTag``) is left out,
unless the case is exact. ``Allow`` is compared as a set.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.conformance.case import Case

HEADERS: Final = ("content-range", "location", "allow")
_FIRST_ERROR: Final = 400
_SHOWN: Final = 1_500
"""Bytes of a body."""

_NOW: Final = re.compile(r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_ASSOCIATION_ROW: Final = "bookTag"
_TIMESTAMPS: Final = ("createdAt", "updatedAt")


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers by lower-case name, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def find_differences(
    case: Case, theirs: Sequence[Response], ours: Sequence[Response]
) -> tuple[str, ...]:
    """Return what differs, in the format of ``Difference``; empty if the responses are equal."""
    found = []
    for position, (their, our) in enumerate(zip(theirs, ours, strict=True), start=1):
        prefix = f"{position}: " if position > 1 else ""
        found += [prefix + difference for difference in _compare(case, their, our)]
    return tuple(found)


def show_responses(case: Case, theirs: Sequence[Response], ours: Sequence[Response]) -> str:
    """Return the requests of a case and the responses of both servers, one line each."""
    lines = []
    for request, their, our in zip(case.requests, theirs, ours, strict=True):
        lines.append(f"{request.method} {request.path} {(request.body or b'').decode()}")
        for name, response in (("finale", their), ("encore", our)):
            shown = [f"{key}={response.headers[key]}" for key in HEADERS if key in response.headers]
            body = response.body[:_SHOWN].decode(errors="replace")
            lines.append(" ".join([f"  {name}", str(response.status), *shown, body]))
    return "\n".join(lines)


def _compare(case: Case, their: Response, our: Response) -> list[str]:
    found = []
    if their.status != our.status:
        found.append(f"status {their.status}/{our.status}")
    found += [
        name
        for name in (*HEADERS, *case.headers)
        if _read_header(name, their.headers) != _read_header(name, our.headers)
    ]
    read = _read_exact if case.exact else _read_body
    if read(their) != read(our):
        found.append("body")
    return found


def _read_header(name: str, headers: Mapping[str, str]) -> Any:
    value = headers.get(name)
    if value is None:
        return None
    if name == "allow":
        return {method.strip() for method in value.split(",")}
    return value.partition(";")[0] if name == "content-type" else value


def _read_exact(response: Response) -> Any:
    return json.loads(response.body)


def _read_body(response: Response) -> Any:
    try:
        body = json.loads(response.body) if response.body else None
    except ValueError:
        return response.body.decode(errors="replace")
    if response.status >= _FIRST_ERROR and isinstance(body, dict):
        return {name: body.get(name) for name in ("message", "errors")}
    return _normalize(body)


def _normalize(value: Any) -> Any:
    if isinstance(value, list):
        return [_normalize(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: "now" if name in _TIMESTAMPS and _is_now(member) else _normalize(member)
        for name, member in value.items()
        if name != _ASSOCIATION_ROW
    }


def _is_now(value: Any) -> bool:
    return isinstance(value, str) and bool(_NOW.fullmatch(value))
