"""A decision on entries: what an approver asks for, read from a body.

``{}`` and ``{"status": "approved"}`` approve; ``{"status": "rejected", "reason": "…"}`` rejects.
A body that could be meant otherwise is refused: nothing is approved by mistake.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.resources.timesheets.rules import INVALID
from api.resources.timesheets.transitions import APPROVED, REJECTED, SUBMITTED
from db.models.timesheet_transition import MAX_REASON
from encore import ValidationErrors
from encore.extensions import Field, InvalidValue

MAX_IDS: Final = 1_000
"""The most entries that one decision may be about."""

IDS: Final = "ids"
_MEMBERS: Final = ("status", "reason", "approved")

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall become of an entry.

    Attributes:
        status: ``approved`` or ``rejected``.
        reason: Why it is rejected; None for an approval.
    """

    status: str
    reason: str | None

    @property
    def attributes(self) -> dict[str, Any]:
        """What is written into the entry: a status, and all that follows from it."""
        approved = self.status == APPROVED
        return {"status": self.status, "approved": approved, "reason": self.reason}

    @classmethod
    def read(
        cls,
        body: Attributes,
        attributes: Attributes,
        errors: ValidationErrors,
        *,
        also: Collection[str] = (),
    ) -> "Decision":
        """Read a decision.

        Args:
            body: As it came.
            attributes: The status and the reason in it, each fit for its column.
            errors: Collects what is wrong.
            also: Members that the body may have besides.
        """
        for name in body:
            if name not in _MEMBERS and name not in also:
                known = ", ".join((*also, *_MEMBERS))
                errors.add(name[:100], INVALID, f"is no part of a decision; known are {known}")
        status, reason = attributes.get("status", APPROVED), attributes.get("reason")
        if status == SUBMITTED:
            errors.add("status", INVALID, f"must be {APPROVED} or {REJECTED}, not {SUBMITTED}")
        elif status == REJECTED:
            if "approved" in body and body["approved"] is not False:
                errors.add("approved", INVALID, f"must be false or left out with {REJECTED}")
            if not (reason or "").strip():
                errors.add("reason", INVALID, "is missing: a rejection says why")
        else:
            if body.get("approved", True) is not True:
                text = f'must be true or left out; to reject, give "status": "{REJECTED}"'
                errors.add("approved", INVALID, f"{text} and a reason")
            if reason is not None:
                errors.add("reason", INVALID, f"must be left out unless the status is {REJECTED}")
        return cls(status, reason)


def read_ids(body: Attributes, key: Field, errors: ValidationErrors) -> list[int]:
    """Read which entries a decision is about: a list of ids, none of them twice.

    Args:
        body: As it came.
        key: The ids' field.
        errors: Collects what is wrong.
    """
    given = body.get(IDS)
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_IDS:
        found = f", not of {len(given)}" if isinstance(given, list) else ""
        errors.add(IDS, INVALID, f"must be a list of 1 to {MAX_IDS} ids of timesheets{found}")
        return []
    ids: dict[int, None] = {}
    for place, value in enumerate(given):
        name = f"{IDS}[{place}]"
        try:
            number = key.codec.from_json(value)
        except InvalidValue as refusal:
            errors.add(name, INVALID, str(refusal))
            continue
        if number in ids:
            errors.add(name, INVALID, f"names timesheet {number} a second time")
        ids[number] = None
    return list(ids)


def _described(**more: Attributes) -> Attributes:
    """Describe a decision, with further members that it must have, as a JSON schema."""
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
                "properties": {**more, **members},
                "required": [*more, *required],
                "additionalProperties": False,
            }
            for title, members, required in (
                ("Approval", approval, ()),
                ("Rejection", rejection, ("status", "reason")),
            )
        ]
    }


DECISION_SCHEMA: Final = _described()
"""A decision on one entry, as OpenAPI has it."""

DECISION_ON_MANY_SCHEMA: Final = _described(
    ids={
        "type": "array",
        "items": {"type": "integer", "minimum": 1},
        "minItems": 1,
        "maxItems": MAX_IDS,
        "uniqueItems": True,
    }
)
"""A decision on many."""
