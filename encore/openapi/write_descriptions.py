"""OpenAPI descriptions of what all writes of rows have in common: ``Prefer`` and ``dry_run``."""

from collections.abc import Mapping
from typing import Any, Final

from encore.http.prefer_header import MINIMAL, REPRESENTATION
from encore.query.write_parameters import DRY_RUN, IGNORE, MERGE, ON, ON_CONFLICT
from encore.resource.upsert_targets import UpsertTargets

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


def write_parameters() -> list[dict[str, Any]]:
    """Return the descriptions of the parameters that every write of rows has."""
    return [dict(_PREFER), dict(_DRY_RUN)]


def upsert_parameters(targets: UpsertTargets) -> list[dict[str, Any]]:
    """Return the descriptions of the parameters of an upsert."""
    return [
        {
            "name": ON_CONFLICT,
            "in": "query",
            "description": "If the row is stored already: merge changes it as PATCH does, and"
            " requires the scopes of update too; ignore returns it, and requires those of read",
            "schema": {"type": "string", "enum": [MERGE, IGNORE]},
        },
        {
            "name": ON,
            "in": "query",
            "description": "The fields of the unique key by which the stored row is looked up; by"
            " default the primary key, if the body has it, or the only other key",
            "schema": {"type": "string", "enum": targets.choices},
        },
    ]


def write_headers() -> dict[str, Any]:
    """Return the headers of the responses of every write that succeeds."""
    return dict(_RESPONSE_HEADERS)
