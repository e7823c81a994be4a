"""OpenAPI descriptions of what all writes of rows have in common: ``Prefer`` and ``dry_run``."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from encore.http.prefer_header import MINIMAL, REPRESENTATION
from encore.query.write_parameters import DRY_RUN

_PREFER: Final[Mapping[str, Any]] = {
    "name": "Prefer",
    "in": "header",
    "description": "return=minimal: a response without a body; return=representation: the row, as"
    " without a preference. handling=lenient ignores unknown parameters and members,"
    " handling=strict rejects unknown preferences (RFC 7240)",
    "schema": {"type": "string"},
    "example": f"return={REPRESENTATION}",
}
_DRY_RUN: Final[Mapping[str, Any]] = {
    "name": DRY_RUN,
    "in": "query",
    "description": "Carry out the request, respond as if it had succeeded or failed, and change"
    " nothing",
    "schema": {"type": "boolean", "default": False},
}
_RESPONSE_HEADERS: Final[Mapping[str, Any]] = {
    "Preference-Applied": {
        "description": "Whether the body was left out, if Prefer says so",
        "schema": {"type": "string", "enum": [f"return={n}" for n in (MINIMAL, REPRESENTATION)]},
    },
    "Dry-Run": {
        "description": "Nothing has been changed, because the request says dry_run=true",
        "schema": {"const": "true"},
    },
}
_NO_CONTENT: Final = "204"


def write_parameters() -> list[dict[str, Any]]:
    """Return the descriptions of the parameters that every write of rows has."""
    return [dict(_PREFER), dict(_DRY_RUN)]


def write_responses(statuses: Iterable[str]) -> dict[str, Any]:
    """Return what to add to the responses of a write with these success statuses.

    A 200 may be a 204 instead.
    """
    statuses = list(statuses)
    responses: dict[str, Any] = {name: {"headers": _RESPONSE_HEADERS} for name in statuses}
    if "200" in statuses:
        responses[_NO_CONTENT] = {
            "description": "Done; Prefer asks for no body",
            "headers": _RESPONSE_HEADERS,
        }
    return responses
