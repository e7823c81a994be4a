"""The audit log of timesheets: one row for each change of an entry.

Rows are only inserted; triggers in the database reject updates and deletes. ``upload_changes``
records the changes of an upload.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import Dialect, insert, literal, select

from api.resources.timesheets.history.changes import DECIDE, Change
from api.resources.timesheets.repository import CACHED_STATEMENTS, id_in_params, pad_ids
from db.models.timesheet import Timesheet
from db.models.timesheet_change import TimesheetChange
from encore import Principal
from encore.extensions import Connection, Statement, param
from encore.types import now

BY_REQUEST: Final = ("who", "client", "issuer", "subject", "at")
"""Columns with one value for all changes of a request."""

_BY_CHANGE: Final = ("timesheet_id", "operation", "from", "to", "version", "before", "after")


def request_values(principal: Principal, at: Any) -> tuple[Any, ...]:
    """Return the values of the columns that all changes of a request share."""
    return (principal.name, principal.client_id, principal.issuer, principal.subject, at)


class AuditLog:
    """Records changes, inside the transaction that makes them.

    Args:
        dialect: The dialect to compile for.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._columns = TimesheetChange.__table__.columns
        self._dialect = dialect
        names = (*BY_REQUEST, *_BY_CHANGE)
        values = {self._columns[n]: self._param(place, n) for place, n in enumerate(names)}
        self._insert = Statement(insert(TimesheetChange).values(values), dialect)
        self._insert_decisions = lru_cache(CACHED_STATEMENTS)(self._build_insert_decisions)
        type_ = self._columns["at"].type
        self._bind_timestamp = type_.dialect_impl(dialect).bind_processor(dialect)

    async def record(self, connection: Connection, principal: Principal, change: Change) -> None:
        """Record one change.

        Args:
            connection: Inside the transaction that changes the entry.
            principal: The principal of the request.
            change: The change.
        """
        by_change = (
            change.timesheet_id,
            change.operation,
            change.from_status,
            change.to_status,
            change.version,
            _encode(change.before),
            _encode(change.after),
        )
        values = (*request_values(principal, self._now()), *by_change)
        await connection.fetch_all(self._insert, values)

    async def record_decisions(
        self,
        connection: Connection,
        principal: Principal,
        ids: Sequence[int],
        to: str,
        reason: str | None = None,
    ) -> None:
        """Record a decision on entries, before their status changes.

        Args:
            connection: Inside the transaction that changes the entries.
            principal: The principal of the request.
            ids: The entries' ids.
            to: The new status.
            reason: The reason for a rejection.
        """
        padded = pad_ids(ids)
        values = (*request_values(principal, self._now()), to, reason, *padded)
        await connection.fetch_all(self._insert_decisions(len(padded)), values)

    def _build_insert_decisions(self, size: int) -> Statement:
        names = (*BY_REQUEST, "to", "reason")
        values = {name: self._param(place, name) for place, name in enumerate(names)}
        values |= {
            "timesheet_id": Timesheet.id,
            "operation": literal(DECIDE, self._columns["operation"].type),
            "from": Timesheet.status,
            "version": Timesheet.version + 1,
            "before": literal({}, self._columns["before"].type),
            "after": literal({}, self._columns["after"].type),
        }
        entries = select(*values.values()).where(id_in_params(size, len(names)))
        columns = [self._columns[name] for name in values]
        return Statement(insert(TimesheetChange).from_select(columns, entries), self._dialect)

    def _param(self, place: int, name: str) -> Any:
        return param(place, self._columns[name].type)

    def _now(self) -> Any:
        """Return the current timestamp in the driver's form."""
        return now() if self._bind_timestamp is None else self._bind_timestamp(now())


def _encode(values: Any) -> str | None:
    return None if values is None else msgspec.json.encode(values).decode()
