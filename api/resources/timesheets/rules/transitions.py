"""The states of an entry and the transitions between them.

::

    submitted ──> approved
        │ ▲
        ▼ │
      rejected
"""

from collections.abc import Mapping
from typing import Final

from encore.errors import Conflict

SUBMITTED: Final = "submitted"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
NEW: Final = "new"
"""Not a status of an entry, but where the first transition in its history starts."""

DELETED: Final = "deleted"
"""Not a status of an entry, but the last transition in its history."""

TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    SUBMITTED: (APPROVED, REJECTED),
    REJECTED: (SUBMITTED,),
    APPROVED: (),
}
"""The allowed target statuses by current status."""


def check_mutable(id_: int, status: str) -> None:
    """Raise ``Conflict`` if an entry is approved: it must not be changed or deleted."""
    if status == APPROVED:
        raise status_conflict(id_, status, "cannot be changed")


def status_conflict(id_: int, status: str, reason: str) -> Conflict:
    """Return the error for an operation that the current status of an entry does not allow."""
    message = f"Timesheet {id_} is {status} and {reason}"
    return Conflict(message, [{"field": "status", "message": message}])
