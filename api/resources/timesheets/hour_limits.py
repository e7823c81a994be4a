"""What a person's entries may add up to: so many hours a day, and a week's 168.

The day's limit is over dated entries; the week's over all, since a weekly entry stands beside
dated ones. Rejected entries do not count. Sums are taken inside the transaction that writes, and
on PostgreSQL under a lock of the person, or two requests could each find room for the same hours.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Dialect, Integer, String, case, literal, select
from sqlalchemy import func as sql

from api.resources.timesheets.rules import HOURS_PER_WEEK, INVALID, Attributes
from db.models.timesheet import Timesheet
from encore import ValidationErrors
from encore.extensions import Connection, Statement, advisory_lock, capabilities_of, param
from encore.types import FixedDecimal

ALL_PERSONS: Final = 0x71DE
"""The advisory lock that an upload takes whole, and a single entry shares."""

_HOURS: Final = FixedDecimal(scale=2)


class HourLimits:
    """Judges what a person's entries add up to.

    Args:
        hours_per_day: The most of a person's day, in hours.
        dialect: What to compile for.
    """

    def __init__(self, hours_per_day: Decimal, dialect: Dialect) -> None:
        self.hours_per_day = hours_per_day
        self._dialect = dialect
        self._sums = Statement(_sums(), dialect)
        self._lock = (
            Statement(_lock(), dialect) if capabilities_of(dialect).advisory_locks else None
        )

    async def check(self, connection: Connection, entry: Attributes, number: int = 0) -> None:
        """Refuse an entry for which the person's day or week has no room.

        Args:
            connection: Inside the transaction that will write the entry.
            entry: Complete (``EntryRules.apply``).
            number: The id of the entry that this one replaces; 0 for a new one.

        Raises:
            ValidationFailed: Names the limit, and what there is already.
        """
        if self._lock is not None:
            await connection.fetch_all(self._lock, (entry["user_id"],))
        day: date = entry["day"]
        monday, sunday = week_around(day)
        bind = _binder(self._dialect)
        values = (entry["user_id"], bind(day), bind(monday), bind(sunday), number)
        row = await connection.fetch_one(self._sums, values)
        assert row is not None  # noqa: S101 - an aggregate always gives a row
        of_day, of_week = (Decimal(int(units)).scaleb(-_HOURS.scale) for units in row)
        errors = ValidationErrors()
        for text in self.breaches(entry, of_day, of_week):
            errors.add("hours", INVALID, text)
        errors.check()

    def breaches(self, entry: Attributes, of_day: Decimal, of_week: Decimal) -> list[str]:
        """Say which limits an entry would break.

        Args:
            entry: Complete.
            of_day: Hours of the person's other dated entries of that day.
            of_week: Hours of all the person's other entries of that week.
        """
        hours, person, day = entry["hours"], entry["user_id"], entry["day"]
        texts, week = [], f"week {entry['week']} of {entry['year']}"
        if entry.get("date") is not None and of_day + hours > self.hours_per_day:
            texts.append(
                f"must be at most {self.hours_per_day} a day, not {_plain(of_day + hours)}:"
                f" {person} has {_plain(of_day)} on {day} already"
            )
        if of_week + hours > HOURS_PER_WEEK:
            texts.append(
                f"must be at most {HOURS_PER_WEEK} a week, not {_plain(of_week + hours)}:"
                f" {person} has {_plain(of_week)} in {week} already"
            )
        return texts


def week_around(day: date) -> tuple[date, date]:
    """Give the Monday and the Sunday of a day's ISO week."""
    monday = day - timedelta(days=day.isoweekday() - 1)
    return monday, monday + timedelta(days=6)


def _plain(hours: Decimal) -> str:
    """Write hours without decimals that say nothing."""
    return f"{hours.normalize():f}"


def _sums() -> Any:
    """Values: person, day, Monday, Sunday, the id to leave out. Gives units of day and week."""
    kind = Timesheet.day.type
    on_day = (Timesheet.day == param(1, kind)) & Timesheet.date.is_not(None)
    units = Timesheet.hours
    return select(
        sql.coalesce(sql.sum(case((on_day, units), else_=literal(0, Integer()))), 0),
        sql.coalesce(sql.sum(units), 0),
    ).where(
        Timesheet.user_id == param(0, String()),
        Timesheet.day.between(param(2, kind), param(3, kind)),
        Timesheet.status != literal("rejected"),
        Timesheet.id != param(4, Integer()),
    )


def _lock() -> Any:
    """Values: person. Holds, until the transaction ends, the person and a share of all."""
    person = param(0, String())
    return select(advisory_lock(ALL_PERSONS, shared=True), advisory_lock(ALL_PERSONS, person))


def _binder(dialect: Dialect) -> Any:
    """Make the function that turns a day into what the driver binds."""
    process = Timesheet.day.type.dialect_impl(dialect).bind_processor(dialect)
    return process or (lambda day: day)
