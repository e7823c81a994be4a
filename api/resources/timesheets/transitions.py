"""The state machine of an entry, and the history that it leaves.

::

    submitted ──> approved
        │ ▲
        ▼ │
      rejected
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Dialect, insert, select

from api.resources.timesheets.principal import Principal
from api.resources.timesheets.repository import KEPT_SHAPES, among, padded
from db.models.timesheet import Timesheet
from db.models.timesheet_transition import TimesheetTransition
from encore.errors import Conflict
from encore.extensions import Connection, Statement, param
from encore.types import now

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


def check_mutable(number: int, current: str) -> None:
    """Refuse to change or delete an approved entry. Raises ``Conflict``."""
    if current == APPROVED:
        raise refused(number, current, "cannot be changed")


def refused(number: int, current: str, text: str) -> Conflict:
    """Make the refusal of what an entry's status forbids."""
    message = f"Timesheet {number} is {current} and {text}"
    return Conflict(message, [{"field": "status", "message": message}])


class AuditLog:
    """Adds to the history; nothing else can be done to it.

    Args:
        dialect: What to compile for.
    """

    def __init__(self, dialect: Dialect) -> None:
        columns = TimesheetTransition.__table__.columns
        self._dialect = dialect
        self._columns = [columns[name] for name in _WRITTEN]
        values = {c: param(number, c.type) for number, c in enumerate(self._columns)}
        self._insert = Statement(insert(TimesheetTransition).values(values), dialect)
        self._insert_of_chosen = lru_cache(KEPT_SHAPES)(self._of_chosen)
        self._bind_moment = columns["at"].type.dialect_impl(dialect).bind_processor(dialect)

    async def record(
        self,
        connection: Connection,
        caller: Principal,
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
        values = (number, *step, caller.name, caller.client, reason, self._now())
        await connection.fetch_all(self._insert, values)

    async def record_all(
        self,
        connection: Connection,
        caller: Principal,
        ids: Sequence[int],
        to: str,
        reason: str | None = None,
    ) -> None:
        """Write down that many entries take a step, before they do, from whatever they are.

        Args:
            connection: Inside the transaction that takes it.
            caller: Who takes it.
            ids: The entries'.
            to: To which status.
            reason: Why, if it says so.
        """
        chosen = padded(ids)
        values = (to, caller.name, caller.client, reason, self._now(), *chosen)
        await connection.fetch_all(self._insert_of_chosen(len(chosen)), values)

    def _of_chosen(self, size: int) -> Statement:
        _, _, *others = self._columns
        entries = select(
            Timesheet.id, Timesheet.status, *(param(n, c.type) for n, c in enumerate(others))
        ).where(among(size, len(others)))
        return Statement(
            insert(TimesheetTransition).from_select(self._columns, entries), self._dialect
        )

    def _now(self) -> Any:
        """Give the moment as the driver wants it."""
        return now() if self._bind_moment is None else self._bind_moment(now())


_WRITTEN: Final = ("timesheet_id", "from", "to", "who", "client", "reason", "at")
