"""The parameters of writes: ``Prefer``, ``dry_run``, ``Idempotency-Key``, and those of upserts."""

from collections.abc import Mapping
from typing import Any, Final

from encore.http.prefer_header import REPRESENTATION
from encore.idempotency.key import SCHEMA
from encore.query.write_parameters import DRY_RUN, IGNORE, MERGE, ON, ON_CONFLICT
from encore.resource.upsert_targets import UpsertTargets

PREFER_RETURN: Final[Mapping[str, Any]] = {
    "name": "Prefer",
    "in": "header",
    "description": "return=minimal: a response without a body; return=representation: the row, as"
    " without a preference. handling=lenient ignores unknown parameters and members,"
    " handling=strict rejects unknown preferences (RFC 7240)",
    "schema": {"type": "string"},
    "example": f"return={REPRESENTATION}",
}
DRY_RUN_PARAMETER: Final[Mapping[str, Any]] = {
    "name": DRY_RUN,
    "in": "query",
    "description": "Carry out the request, respond as if it had succeeded or failed, and change"
    " nothing",
    "schema": {"type": "boolean", "default": False},
    "example": False,
}
IDEMPOTENCY_KEY: Final[Mapping[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same request with the same key is carried out once and gets the same"
    " response: a string in quotation marks, or 1 to 255 visible characters",
    "schema": SCHEMA,
    "example": '"0b8f1b4e-6f0a-4c0e-9d55-3a2f6f1f7c11"',
}
"""The header of requests that may be repeated."""

ON_CONFLICT_PARAMETER: Final[Mapping[str, Any]] = {
    "name": ON_CONFLICT,
    "in": "query",
    "description": "If the row is stored already: merge changes it as PATCH does, and"
    " requires the scopes of update too; ignore returns it, and requires those of read",
    "schema": {"type": "string", "enum": [MERGE, IGNORE]},
    "example": MERGE,
}


def write_parameters() -> list[Mapping[str, Any]]:
    """Return the descriptions of the parameters that every write of rows has."""
    return [PREFER_RETURN, DRY_RUN_PARAMETER, IDEMPOTENCY_KEY]


def upsert_parameters(targets: UpsertTargets) -> list[Mapping[str, Any]]:
    """Return the descriptions of the parameters of an upsert."""
    on = {
        "name": ON,
        "in": "query",
        "description": "The fields of the unique key by which the stored row is looked up; by"
        " default the primary key, if the body has it, or the only other key",
        "schema": {"type": "string", "enum": targets.choices},
        "example": targets.choices[0],
    }
    return [ON_CONFLICT_PARAMETER, on]
