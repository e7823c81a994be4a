"""A decision on entries: its JSON schema, and parsing it from a request body.

``{}`` and ``{"status": "approved"}`` approve; ``{"status": "rejected", "reason": "…"}`` rejects.
An ambiguous body is invalid, so that nothing is approved by mistake.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.resources.timesheets.approvals.seen_versions import (
    VERSION,
    VERSION_SCHEMA,
    SeenVersion,
    parse_version,
)
from api.resources.timesheets.rules.entry_period import INVALID
from api.resources.timesheets.rules.transitions import APPROVED, REJECTED, SUBMITTED
from db.models.timesheet_change import MAX_REASON
from encore import ValidationErrors
from encore.extensions import Field, InvalidValue

MAX_ENTRIES: Final = 1_000
"""The maximum number of entries in one decision."""

ENTRIES: Final = "entries"
IDS: Final = "ids"
_ITEMS: Final = {ENTRIES: "objects of id and version", IDS: "ids of timesheets"}
_ENTRY_MEMBERS: Final = ("id", VERSION)
_MEMBERS: Final = ("status", "reason", "approved")

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on one or more entries.

    Attributes:
        status: The new status, ``approved`` or ``rejected``.
        reason: The reason for a rejection; None for an approval.
    """

    status: str
    reason: str | None

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes to write: the status, ``approved`` and the reason."""
        approved = self.status == APPROVED
        return {"status": self.status, "approved": approved, "reason": self.reason}

    @classmethod
    def parse(
        cls,
        body: Attributes,
        attributes: Attributes,
        errors: ValidationErrors,
        *,
        also_allowed: Collection[str] = (),
    ) -> "Decision":
        """Parse a decision.

        Args:
            body: The JSON object.
            attributes: Its status and reason, each valid for its column.
            errors: Collects the errors.
            also_allowed: Further members that the body may have.
        """
        for name in body:
            if name not in _MEMBERS and name not in also_allowed:
                known = ", ".join((*also_allowed, *_MEMBERS))
                errors.add(name[:100], INVALID, f"is not a member of a decision; known are {known}")
        status, reason = attributes.get("status", APPROVED), attributes.get("reason")
        if status == SUBMITTED:
            errors.add("status", INVALID, f"must be {APPROVED} or {REJECTED}, not {SUBMITTED}")
        elif status == REJECTED:
            if "approved" in body and body["approved"] is not False:
                errors.add("approved", INVALID, f"must be false or omitted with {REJECTED}")
            if not (reason or "").strip():
                errors.add("reason", INVALID, "is required for a rejection")
        else:
            if body.get("approved", True) is not True:
                message = f'must be true or omitted; to reject, send "status": "{REJECTED}"'
                errors.add("approved", INVALID, f"{message} and a reason")
            if reason is not None:
                errors.add("reason", INVALID, f"must be omitted unless the status is {REJECTED}")
        return cls(status, reason)


def parse_entries(
    body: Attributes, key: Field, version: Field, errors: ValidationErrors
) -> dict[int, SeenVersion | None]:
    """Return the versions of the entries that a decision is on, by their ids, which are unique.

    Args:
        body: The JSON object; has ``entries`` with versions or ``ids`` without.
        key: The primary key's field.
        version: The version's field.
        errors: Collects the errors.
    """
    member = IDS if IDS in body and ENTRIES not in body else ENTRIES
    if IDS in body and ENTRIES in body:
        errors.add(IDS, INVALID, f"must be omitted with {ENTRIES}")
    raw = body.get(member)
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_ENTRIES:
        found = f", not of {len(raw)}" if isinstance(raw, list) else ""
        errors.add(
            member, INVALID, f"must be an array of 1 to {MAX_ENTRIES} {_ITEMS[member]}{found}"
        )
        return {}
    entries: dict[int, SeenVersion | None] = {}
    for place, item in enumerate(raw):
        name, seen, raw_id = f"{member}[{place}]", None, item
        if member == ENTRIES and not isinstance(item, dict):
            errors.add(name, INVALID, "must be an object of id and version")
            continue
        if member == ENTRIES:
            raw_id, seen = _parse_entry(item, name, version, errors)
            name = f"{name}.id"
        try:
            id_ = key.codec.from_json(raw_id)
        except InvalidValue as error:
            errors.add(name, INVALID, str(error))
            continue
        if id_ in entries:
            errors.add(name, INVALID, f"is a duplicate of timesheet {id_}")
        entries[id_] = seen
    return entries


def _parse_entry(
    item: Attributes, name: str, version: Field, errors: ValidationErrors
) -> tuple[Any, SeenVersion | None]:
    """Return the raw id and the version of an entry."""
    for member in item:
        if member not in _ENTRY_MEMBERS:
            known = " and ".join(_ENTRY_MEMBERS)
            errors.add(f"{name}.{member[:100]}", INVALID, f"is not a member; known are {known}")
    if VERSION not in item:
        errors.add(f"{name}.{VERSION}", INVALID, "is required")
        return item.get("id"), None
    number = parse_version(item[VERSION], version, errors, f"{name}.{VERSION}")
    return item.get("id"), SeenVersion(number)


def decision_schema() -> Attributes:
    """Return the JSON schema of a decision on one entry."""
    example = {VERSION: 1, "status": APPROVED}
    return _decision("Decision", {VERSION: VERSION_SCHEMA}, {"examples": [example]})


def bulk_decision_schema(*, require_version: bool) -> Attributes:
    """Return the JSON schema of a decision on several entries."""
    id_ = {"type": "integer", "format": "int64", "minimum": 1}
    entry = {
        "type": "object",
        "title": "SeenEntry",
        "properties": {"id": id_, VERSION: VERSION_SCHEMA},
        "required": list(_ENTRY_MEMBERS),
        "additionalProperties": False,
    }
    size = {"minItems": 1, "maxItems": MAX_ENTRIES}
    example = {ENTRIES: [{"id": 1, VERSION: 1}], "status": APPROVED}
    further: dict[str, Any] = {"examples": [example]}
    members: dict[str, Any] = {ENTRIES: {"type": "array", "items": entry, **size}}
    if require_version:
        return _decision("BulkDecision", members, further | {"required": [ENTRIES]})
    members[IDS] = {"type": "array", "items": id_, **size, "uniqueItems": True}
    one_of_both = {
        "dependentSchemas": {ENTRIES: {"properties": {IDS: False}}},
        "not": {"properties": {ENTRIES: False, IDS: False}},
    }
    return _decision("BulkDecision", members, further | one_of_both)


def _decision(title: str, members: Attributes, further: Attributes) -> Attributes:
    """Return the JSON schema of a decision with further members and keywords.

    It is one object with a condition, not a choice of two: several generators of clients fail on
    ``const`` and on members that must be null.
    """
    status = {"type": "string", "enum": [APPROVED, REJECTED]}
    reason = {"type": ["string", "null"], "maxLength": MAX_REASON}
    rejected = {"status": {"const": REJECTED}}
    return {
        "type": "object",
        "title": title,
        "description": "Without a status, it approves. A rejection has a reason, an approval"
        " none; `approved` may say what the status says.",
        "properties": {
            **members,
            "status": status,
            "approved": {"type": "boolean"},
            "reason": reason,
        },
        "additionalProperties": False,
        **further,
        "if": {"properties": rejected, "required": ["status"]},
        "then": {
            "properties": {
                "approved": {"const": False},
                "reason": {"type": "string", "pattern": r"\S"},
            },
            "required": ["reason"],
        },
        "else": {"properties": {"approved": {"const": True}, "reason": {"type": "null"}}},
    }
