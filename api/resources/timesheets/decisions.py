"""A decision on entries: its JSON schema, and parsing it from a request body.

``{}`` and ``{"status": "approved"}`` approve; ``{"status": "rejected", "reason": "…"}`` rejects.
An ambiguous body is invalid, so that nothing is approved by mistake.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.resources.timesheets.rules import INVALID
from api.resources.timesheets.transitions import APPROVED, REJECTED, SUBMITTED
from db.models.timesheet_change import MAX_REASON
from encore import ValidationErrors
from encore.extensions import Field, InvalidValue

MAX_IDS: Final = 1_000
"""The maximum number of entries in one decision."""

IDS: Final = "ids"
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


def parse_ids(body: Attributes, key: Field, errors: ValidationErrors) -> list[int]:
    """Return the ids of the entries that a decision is on; they must be unique.

    Args:
        body: The JSON object.
        key: The primary key's field.
        errors: Collects the errors.
    """
    raw = body.get(IDS)
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_IDS:
        found = f", not of {len(raw)}" if isinstance(raw, list) else ""
        errors.add(IDS, INVALID, f"must be an array of 1 to {MAX_IDS} ids of timesheets{found}")
        return []
    ids: dict[int, None] = {}
    for place, value in enumerate(raw):
        name = f"{IDS}[{place}]"
        try:
            id_ = key.codec.from_json(value)
        except InvalidValue as error:
            errors.add(name, INVALID, str(error))
            continue
        if id_ in ids:
            errors.add(name, INVALID, f"is a duplicate of timesheet {id_}")
        ids[id_] = None
    return list(ids)


def _build_schema(**members: Attributes) -> Attributes:
    """Return the JSON schema of a decision, with further required members."""
    reason = {"type": "string", "pattern": r"\S", "maxLength": MAX_REASON}
    approval = {
        "status": {"const": APPROVED},
        "approved": {"const": True},
        "reason": {"type": "null"},
    }
    rejection = {"status": {"const": REJECTED}, "approved": {"const": False}, "reason": reason}
    return {
        "oneOf": [
            {
                "type": "object",
                "title": title,
                "properties": {**members, **properties},
                "required": [*members, *required],
                "additionalProperties": False,
            }
            for title, properties, required in (
                ("Approval", approval, ()),
                ("Rejection", rejection, ("status", "reason")),
            )
        ]
    }


DECISION_SCHEMA: Final = _build_schema()
"""The JSON schema of a decision on one entry."""

BULK_DECISION_SCHEMA: Final = _build_schema(
    ids={
        "type": "array",
        "items": {"type": "integer", "minimum": 1},
        "minItems": 1,
        "maxItems": MAX_IDS,
        "uniqueItems": True,
    }
)
"""The JSON schema of a decision on several entries."""
