"""The limits on the sum of a person's entries: a configured number of hours a day, 168 a week.

The limit of a day applies to dated entries, the limit of a week to dated and weekly entries
together. Rejected entries do not count. Sums are read inside the transaction that writes; on
PostgreSQL under an advisory lock of the person, because otherwise two concurrent requests could
both use the same remaining hours.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Dialect, Integer, String, case, literal, select
from sqlalchemy import func as sql

from api.resources.timesheets.rules.entry_period import INVALID, Attributes
from api.resources.timesheets.rules.entry_validator import HOURS_PER_WEEK
from api.resources.timesheets.rules.period_lock import (
    ALL_PERSONS_LOCK,
    PeriodLock,
    select_latest_lock,
)
from db.models.timesheet import Timesheet
from encore import ValidationErrors
from encore.extensions import Connection, Statement, advisory_lock, capabilities_of, param
from encore.types import DurationHours

_to_seconds: Final = DurationHours.to_seconds


class HourLimits:
    """Validates the sum of a person's entries against the limits of a day and a week.

    Args:
        hours_per_day: The limit of a person's day, in hours.
        period_lock: The locked period, which the same statement reads.
        dialect: The dialect to compile for.
    """

    def __init__(self, hours_per_day: Decimal, period_lock: PeriodLock, dialect: Dialect) -> None:
        self.hours_per_day = hours_per_day
        self._period_lock = period_lock
        self._dialect = dialect
        self._sums = Statement(_select_sums(), dialect)
        self._lock = (
            Statement(_select_lock(), dialect) if capabilities_of(dialect).advisory_locks else None
        )

    async def lock(self, connection: Connection, user: str) -> None:
        """Exclude other writes of a person's entries, and uploads, until the transaction ends."""
        if self._lock is not None:
            await connection.fetch_all(self._lock, (user,))

    async def validate(
        self, connection: Connection, entry: Attributes, stored: Attributes | None = None
    ) -> None:
        """Validate that an entry fits into the person's day and week, and is not locked.

        Args:
            connection: Inside the transaction that will write the entry.
            entry: A complete entry (``EntryValidator.validate``).
            stored: The stored entry that this one replaces; None for a new entry.

        Raises:
            Conflict: The old or the new day is in the locked period.
            ValidationFailed: A limit is exceeded; names the limit and the hours already stored.
        """
        await self.lock(connection, entry["user_id"])
        day: date = entry["day"]
        monday, sunday = week_around(day)
        bind = _day_binder(self._dialect)
        id_ = 0 if stored is None else stored["id"]
        values = (entry["user_id"], bind(day), bind(monday), bind(sunday), id_)
        row = await connection.fetch_one(self._sums, values)
        assert row is not None  # noqa: S101 - an aggregate always returns a row
        *sums, latest_lock = row
        self._period_lock.check_days(latest_lock, *([stored["day"]] if stored else []), day)
        errors = ValidationErrors()
        for message in self._find_errors(entry, *map(int, sums)):
            errors.add("hours", INVALID, message)
        errors.check()

    def _find_errors(self, entry: Attributes, on_day: int, in_week: int) -> list[str]:
        """Return a message for each limit that an entry would exceed.

        Args:
            entry: A complete entry.
            on_day: Seconds of the person's other dated entries on that day.
            in_week: Seconds of all other entries of the person in that week.
        """
        seconds, user, day = _to_seconds(entry["hours"]), entry["user_id"], entry["day"]
        messages, week = [], f"week {entry['week']} of {entry['year']}"
        is_dated = entry.get("date") is not None
        if is_dated and on_day + seconds > _to_seconds(self.hours_per_day):
            messages.append(
                f"must be at most {self.hours_per_day} a day, not {_format(on_day + seconds)}:"
                f" {user} has {_format(on_day)} on {day} already"
            )
        if in_week + seconds > _to_seconds(HOURS_PER_WEEK):
            messages.append(
                f"must be at most {HOURS_PER_WEEK} a week, not {_format(in_week + seconds)}:"
                f" {user} has {_format(in_week)} in {week} already"
            )
        return messages


def week_around(day: date) -> tuple[date, date]:
    """Return the Monday and the Sunday of a day's ISO week."""
    monday = day - timedelta(days=day.isoweekday() - 1)
    return monday, monday + timedelta(days=6)


def _format(seconds: int) -> str:
    """Return seconds as hours with up to four decimals."""
    return str(DurationHours.from_seconds(seconds))


def _select_sums() -> Any:
    """Return a SELECT of the stored seconds of a day and of a week, and of the latest lock.

    Its parameters: user, day, Monday, Sunday, id of the entry to ignore.
    """
    type_ = Timesheet.day.type
    on_day = (Timesheet.day == param(1, type_)) & Timesheet.date.is_not(None)
    seconds = Timesheet.hours
    return select(
        sql.coalesce(sql.sum(case((on_day, seconds), else_=literal(0, Integer()))), 0),
        sql.coalesce(sql.sum(seconds), 0),
        select_latest_lock().scalar_subquery(),
    ).where(
        Timesheet.user_id == param(0, String()),
        Timesheet.day.between(param(2, type_), param(3, type_)),
        Timesheet.status != literal("rejected"),
        Timesheet.id != param(4, Integer()),
    )


def _select_lock() -> Any:
    """Return a SELECT that locks a user, its parameter, and shares ``ALL_PERSONS_LOCK``."""
    user = param(0, String())
    return select(
        advisory_lock(ALL_PERSONS_LOCK, shared=True), advisory_lock(ALL_PERSONS_LOCK, user)
    )


def _day_binder(dialect: Dialect) -> Any:
    """Return the function that converts a day to the driver's form."""
    process = Timesheet.day.type.dialect_impl(dialect).bind_processor(dialect)
    return process or (lambda day: day)
