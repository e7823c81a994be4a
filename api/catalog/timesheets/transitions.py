"""The state machine of an entry, and the history that it leaves.

::

    submitted ──> approved
        │ ▲
        ▼ │
      rejected
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Dialect, insert

from api.catalog.timesheets.callers import Caller
from api.errors import Conflict
from db.base import now
from db.database import Connection
from db.models.timesheet_transition import TimesheetTransition
from db.statement import Statement, slot

SUBMITTED: Final = "submitted"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
DELETED: Final = "deleted"
"""No status that an entry has, but the last step of its history."""

TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    SUBMITTED: (APPROVED, REJECTED),
    REJECTED: (SUBMITTED,),
    APPROVED: (),
}
"""Where an entry may go from each status."""


def check_transition(number: int, current: str, wanted: str) -> None:
    """Refuse a step that the machine does not have.

    Raises:
        Conflict: Names the entry and its status.
    """
    if wanted not in TRANSITIONS[current]:
        raise refused(number, current, f"cannot become {wanted}")


def check_mutable(number: int, current: str) -> None:
    """Refuse to change or delete an approved entry. Raises ``Conflict``."""
    if current == APPROVED:
        raise refused(number, current, "cannot be changed")


def refused(number: int, current: str, text: str) -> Conflict:
    """Make the refusal of what an entry's status forbids."""
    message = f"Timesheet {number} is {current} and {text}"
    return Conflict(message, [{"field": "status", "message": message}])


class History:
    """Adds to the history; nothing else can be done to it.

    Args:
        dialect: What to compile for.
    """

    def __init__(self, dialect: Dialect) -> None:
        columns = TimesheetTransition.__table__.columns
        self._columns = [columns[name] for name in _WRITTEN]
        values = {c: slot(number, c.type) for number, c in enumerate(self._columns)}
        self._insert = Statement(insert(TimesheetTransition).values(values), dialect)
        self._bind_moment = columns["at"].type.dialect_impl(dialect).bind_processor(dialect)

    async def record(
        self,
        connection: Connection,
        caller: Caller,
        number: int,
        step: tuple[str, str],
        reason: str | None = None,
    ) -> None:
        """Write one step down, inside the transaction that takes it.

        Args:
            connection: Inside that transaction.
            caller: Who takes it.
            number: The entry's id.
            step: From which status to which.
            reason: Why, if it says so.
        """
        at = now() if self._bind_moment is None else self._bind_moment(now())
        values = (number, *step, caller.name, caller.client, reason, at)
        await connection.fetch_all(self._insert, values)


_WRITTEN: Final = ("timesheet_id", "from", "to", "who", "client", "reason", "at")
