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

from api.resources.timesheets.rules.entry_validator import HOURS_PER_WEEK, INVALID, Attributes
from api.resources.timesheets.rules.period_lock import (
    ALL_PERSONS_LOCK,
    PeriodLock,
    select_latest_lock,
)
from db.models.timesheet import Timesheet
from encore import ValidationErrors
from encore.extensions import Connection, Statement, advisory_lock, capabilities_of, param
from encore.types import FixedDecimal

_HOURS: Final = FixedDecimal(scale=2)


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
        day_hours, week_hours = (Decimal(int(units)).scaleb(-_HOURS.scale) for units in sums)
        errors = ValidationErrors()
        for message in self._find_errors(entry, day_hours, week_hours):
            errors.add("hours", INVALID, message)
        errors.check()

    def _find_errors(self, entry: Attributes, day_hours: Decimal, week_hours: Decimal) -> list[str]:
        """Return a message for each limit that an entry would exceed.

        Args:
            entry: A complete entry.
            day_hours: Hours of the person's other dated entries on that day.
            week_hours: Hours of all other entries of the person in that week.
        """
        hours, user, day = entry["hours"], entry["user_id"], entry["day"]
        messages, week = [], f"week {entry['week']} of {entry['year']}"
        if entry.get("date") is not None and day_hours + hours > self.hours_per_day:
            messages.append(
                f"must be at most {self.hours_per_day} a day, not {_format(day_hours + hours)}:"
                f" {user} has {_format(day_hours)} on {day} already"
            )
        if week_hours + hours > HOURS_PER_WEEK:
            messages.append(
                f"must be at most {HOURS_PER_WEEK} a week, not {_format(week_hours + hours)}:"
                f" {user} has {_format(week_hours)} in {week} already"
            )
        return messages


def week_around(day: date) -> tuple[date, date]:
    """Return the Monday and the Sunday of a day's ISO week."""
    monday = day - timedelta(days=day.isoweekday() - 1)
    return monday, monday + timedelta(days=6)


def _format(hours: Decimal) -> str:
    """Return hours without trailing zeros or an exponent."""
    return f"{hours.normalize():f}"


def _select_sums() -> Any:
    """Return a SELECT of the stored units of a day and of a week, and of the latest lock.

    Its parameters: user, day, Monday, Sunday, id of the entry to ignore.
    """
    type_ = Timesheet.day.type
    on_day = (Timesheet.day == param(1, type_)) & Timesheet.date.is_not(None)
    units = Timesheet.hours
    return select(
        sql.coalesce(sql.sum(case((on_day, units), else_=literal(0, Integer()))), 0),
        sql.coalesce(sql.sum(units), 0),
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
