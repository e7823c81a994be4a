"""The locked period: entries before its end cannot be created, changed, deleted or imported.

The end is a setting, or the latest row of ``timesheet_locks``, whichever is later. An entry is
judged by its ``day``: the stored one and the new one. Approvals and rejections go on.
"""

from datetime import date
from typing import Any, Final

from sqlalchemy import Dialect, Select, String, Text, cast, literal, select

from db.models.timesheet import Timesheet
from db.models.timesheet_lock import TimesheetLock
from encore.errors import Conflict
from encore.extensions import (
    CREATED,
    UPDATED,
    Connection,
    MergeContext,
    Statement,
    advisory_lock,
    capabilities_of,
)

ALL_PERSONS_LOCK: Final = 0x71DE
"""The advisory lock that a single write takes shared, and an upload and a lock exclusively."""

_DAY: Final = "day"


class PeriodLock:
    """Rejects writes of entries in the locked period, inside the transaction that makes them.

    On PostgreSQL the caller holds ``ALL_PERSONS_LOCK``, shared or not, so that the end cannot be
    moved until the transaction ends.

    Args:
        before: The end by configuration: the first day that is not locked; None for none.
        dialect: The dialect to compile for.
    """

    def __init__(self, before: date | None, dialect: Dialect) -> None:
        self.before = before
        self._select = Statement(select_latest_lock(), dialect)
        type_ = TimesheetLock.__table__.c.before.type.dialect_impl(dialect)
        self._read_day = type_.result_processor(dialect, None)
        self._takes_lock = capabilities_of(dialect).advisory_locks

    async def check(self, connection: Connection, day: date) -> None:
        """Raise ``Conflict`` if a day is locked."""
        self.check_days(await self._fetch_latest(connection), day)

    def check_days(self, latest: Any, *days: date) -> None:
        """Raise ``Conflict`` if one of the days is locked.

        Args:
            latest: The driver's value of ``select_latest_lock``.
            days: The days of an entry, old and new.
        """
        end = self._find_end(latest)
        for day in days:
            if end is not None and day < end:
                message = f"{_DAY} {day}{_locked_before(end)}"
                raise Conflict(message, [{"field": _DAY, "message": message}])

    async def fetch_end(self, connection: Connection) -> date | None:
        """Return the first day that is not locked; None if no day is locked."""
        return self._find_end(await self._fetch_latest(connection))

    async def _fetch_latest(self, connection: Connection) -> Any:
        row = await connection.fetch_one(self._select, ())
        return None if row is None else row[0]

    def _find_end(self, latest: Any) -> date | None:
        """Return the first day that is not locked; None if no day is locked."""
        if latest is not None and self._read_day is not None:
            latest = self._read_day(latest)
        return max((day for day in (self.before, latest) if day is not None), default=None)

    async def reject_locked(self, merge: MergeContext) -> None:
        """Reject the rows whose entry is, or would be, in the locked period."""
        if self._takes_lock:
            await merge.fetch_all(select(advisory_lock(ALL_PERSONS_LOCK)))
        end = await self.fetch_end(merge.connection)
        if end is None:
            return
        staging = merge.staging
        stored = (
            select(Timesheet.day).where(Timesheet.id == staging.id).correlate(staging.table)
        ).scalar_subquery()
        bound = literal(end, Timesheet.day.type)
        written = staging.status.in_((CREATED, UPDATED))
        is_update = staging.status == UPDATED
        for condition, day in ((is_update & (stored < bound), stored), (written, staging[_DAY])):
            message: Any = literal(f"{_DAY} ", Text) + cast(day, String) + _locked_before(end)
            await merge.reject(condition & (day < bound), _DAY, message)


def select_latest_lock() -> Select[Any]:
    """Return a SELECT of the end that callers have set: one value, or no row."""
    return select(TimesheetLock.before).order_by(TimesheetLock.id.desc()).limit(1)


def _locked_before(end: date) -> str:
    return f" is locked: entries before {end} cannot be created, changed or deleted"
