"""The audit log of timesheets: one row for each status transition of an entry.

Rows are only inserted; triggers in the database reject updates and deletes.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Dialect, insert, select

from api.resources.timesheets.repository import CACHED_STATEMENTS, id_in_params, pad_ids
from db.models.timesheet import Timesheet
from db.models.timesheet_transition import TimesheetTransition
from encore import Principal
from encore.extensions import Connection, Statement, param
from encore.types import now

_COLUMNS: Final = ("timesheet_id", "from", "to", "who", "client", "reason", "at")


class AuditLog:
    """Records status transitions, inside the transaction that makes them.

    Args:
        dialect: The dialect to compile for.
    """

    def __init__(self, dialect: Dialect) -> None:
        columns = TimesheetTransition.__table__.columns
        self._dialect = dialect
        self._columns = [columns[name] for name in _COLUMNS]
        values = {c: param(place, c.type) for place, c in enumerate(self._columns)}
        self._insert = Statement(insert(TimesheetTransition).values(values), dialect)
        self._insert_many = lru_cache(CACHED_STATEMENTS)(self._build_insert_many)
        self._bind_timestamp = columns["at"].type.dialect_impl(dialect).bind_processor(dialect)

    async def record(
        self,
        connection: Connection,
        principal: Principal,
        id_: int,
        transition: tuple[str, str],
        reason: str | None = None,
    ) -> None:
        """Record the transition of one entry.

        Args:
            connection: Inside the transaction that changes the entry.
            principal: The principal of the request.
            id_: The entry's id.
            transition: The old and the new status.
            reason: The reason for a rejection.
        """
        values = (id_, *transition, principal.name, principal.client_id, reason, self._now())
        await connection.fetch_all(self._insert, values)

    async def record_many(
        self,
        connection: Connection,
        principal: Principal,
        ids: Sequence[int],
        to: str,
        reason: str | None = None,
    ) -> None:
        """Record the transition of several entries from their current status, before it changes.

        Args:
            connection: Inside the transaction that changes the entries.
            principal: The principal of the request.
            ids: The entries' ids.
            to: The new status.
            reason: The reason for a rejection.
        """
        padded = pad_ids(ids)
        values = (to, principal.name, principal.client_id, reason, self._now(), *padded)
        await connection.fetch_all(self._insert_many(len(padded)), values)

    def _build_insert_many(self, size: int) -> Statement:
        _, _, *others = self._columns
        entries = select(
            Timesheet.id, Timesheet.status, *(param(n, c.type) for n, c in enumerate(others))
        ).where(id_in_params(size, len(others)))
        return Statement(
            insert(TimesheetTransition).from_select(self._columns, entries), self._dialect
        )

    def _now(self) -> Any:
        """Return the current timestamp in the driver's form."""
        return now() if self._bind_timestamp is None else self._bind_timestamp(now())
