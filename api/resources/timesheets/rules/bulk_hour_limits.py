"""The hour limits over an upload: rejects the rows that would exceed the limit of a day or a week.

The database adds what an upload writes to what is stored, per person and day or week. Only the days
and weeks over their limit are fetched; their rows are accepted in the order of the upload as long
as hours remain. A row that does not fit therefore does not keep out a later, smaller one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Integer,
    Select,
    String,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
)

from api.resources.timesheets.rules.entry_validator import HOURS_PER_WEEK
from api.resources.timesheets.rules.period_lock import ALL_PERSONS_LOCK
from db.models.timesheet import Timesheet
from encore.errors import ValidationFailed
from encore.extensions import (
    CREATED,
    UPDATED,
    MergeContext,
    StagingTable,
    add_days,
    advisory_lock,
    capabilities_of,
)

_UNITS_PER_HOUR: Final = 100
"""Hours are stored in hundredths (``FixedDecimal``)."""

_MAX_EXCEEDED: Final = 1_000
"""With more days or weeks over their limit, an upload is rejected as a whole."""

_FETCH_SIZE: Final = 50_000
"""Rows fetched at once."""

_REJECT_SIZE: Final = 500
"""Rows rejected by one statement."""

DAY: Final = "day"
WEEK: Final = "week"
_PERIODS_PER_FETCH: Final = {DAY: 20, WEEK: 2}
"""Their limits hold fewer rows than ``_FETCH_SIZE``, even of 0.01 hours, so that each full fetch
finds a row to reject."""

_KEYS: Final = {DAY: ("user_id", "day"), WEEK: ("user_id", "year", "week")}

UnitsByPeriod = Mapping[tuple[Any, ...], int]
"""Hundredths of hours by person and day, or by person and week."""


class BulkHourLimits:
    """Rejects rows of an upload that would exceed the limit of a day or a week.

    Args:
        hours_per_day: The limit of a person's day, in hours.
        dialect: The dialect that statements are compiled for.
    """

    def __init__(self, hours_per_day: Decimal, dialect: Dialect) -> None:
        self._max_units = {
            DAY: int(hours_per_day * _UNITS_PER_HOUR),
            WEEK: int(HOURS_PER_WEEK * _UNITS_PER_HOUR),
        }
        self._limits = {DAY: f"{hours_per_day} a day", WEEK: f"{HOURS_PER_WEEK} a week"}
        self._dialect = dialect
        self._takes_lock = capabilities_of(dialect).advisory_locks

    async def reject_exceeding(self, merge: MergeContext) -> None:
        """Reject the rows that exceed a limit; a ``validate_merge`` hook.

        Raises:
            ValidationFailed: More than 1,000 days or weeks exceed their limit.
        """
        if self._takes_lock:  # Excludes single entries, which share the lock (``hour_limits``).
            await merge.fetch_all(select(advisory_lock(ALL_PERSONS_LOCK)))
        days = _exceeded_days(merge.staging, self._max_units[DAY])
        await self._reject_in_periods(merge, days, DAY)
        weeks = _exceeded_weeks(merge.staging, self._max_units[WEEK], self._dialect)
        await self._reject_in_periods(merge, weeks, WEEK)

    async def _reject_in_periods(
        self, merge: MergeContext, exceeded: Select[Any], period: str
    ) -> None:
        """Reject rows until no day, or no week, exceeds its limit. Raise ``ValidationFailed``."""
        found = await merge.fetch_all(exceeded.limit(_MAX_EXCEEDED + 1))
        if len(found) > _MAX_EXCEEDED:
            limit = self._limits[period]
            raise ValidationFailed(
                f"More than {_MAX_EXCEEDED:,} {period}s of persons would exceed the limit of"
                f" {limit}: nothing was written",
                [{"field": "hours", "message": f"hours must be at most {limit}"}],
            )
        step = _PERIODS_PER_FETCH[period]
        for first in range(0, len(found), step):
            stored = {tuple(key): units for *key, units in found[first : first + step]}
            await self._reject_rows(merge, stored, period)

    async def _reject_rows(self, merge: MergeContext, stored: UnitsByPeriod, period: str) -> None:
        """Reject rows of these days, or weeks, until none of them exceeds its limit."""
        remaining = {key: self._max_units[period] - units for key, units in stored.items()}
        statement = _select_rows(merge.staging, list(remaining), period).limit(_FETCH_SIZE)
        while True:
            rows = await merge.fetch_all(statement)
            exceeding = _exceeding_lines(rows, remaining)
            while lines := list(islice(exceeding, _REJECT_SIZE)):
                condition = merge.staging.line.in_(lines)
                await merge.reject(condition, "hours", self._message(merge.staging, period))
            if len(rows) < _FETCH_SIZE:
                return

    def _message(self, staging: StagingTable, period: str) -> ColumnElement[str]:
        """Return the SQL expression of a row's error message, built from the row's values."""
        units = _units(staging)
        hours = cast(units // _UNITS_PER_HOUR, String)
        hundredths = func.substr(cast(units % _UNITS_PER_HOUR + _UNITS_PER_HOUR, String), 2, 2)
        when = (
            "on " + cast(staging["day"], String)
            if period == DAY
            else "in week " + cast(staging["week"], String) + " of " + cast(staging["year"], String)
        )
        message: ColumnElement[str] = (
            literal("adding ", Text)
            + (hours + "." + hundredths)
            + (literal(" hours for ", Text) + staging["user_id"] + " " + when)
            + literal(f" exceeds the limit of {self._limits[period]}", Text)
        )
        return message


def _exceeding_lines(rows: Iterable[Sequence[Any]], remaining: UnitsByPeriod) -> Iterator[int]:
    """Yield the lines of rows that exceed what remains of their day or week.

    Args:
        rows: Key, line and units of each, in the order of the lines.
        remaining: The remaining units of each day or week by its key.
    """
    left = dict(remaining)
    for *key, line, units in rows:
        period = tuple(key)
        if units > left[period]:
            yield line
        else:
            left[period] -= units


def _units(staging: StagingTable) -> ColumnElement[int]:
    return type_coerce(staging["hours"], Integer)


def _is_written(staging: StagingTable) -> ColumnElement[bool]:
    """Return the condition of staged rows that the upload will write."""
    return staging.status.in_((CREATED, UPDATED))


def _is_kept(staging: StagingTable) -> ColumnElement[bool]:
    """Return the condition of stored entries that count and that the upload does not replace."""
    replaced = select(staging.id).where(staging.status == UPDATED)
    return (Timesheet.status != "rejected") & Timesheet.id.not_in(replaced)


def _exceeded_days(staging: StagingTable, max_units: int) -> Select[Any]:
    """Return a SELECT of user, day and stored units of each day that would exceed its limit."""
    days = (
        select(staging["user_id"], staging["day"], func.sum(_units(staging)).label("units"))
        .where(_is_written(staging), staging["date"].is_not(None))
        .group_by(staging["user_id"], staging["day"])
        .subquery()
    )
    same = (Timesheet.user_id == days.c.user_id) & (Timesheet.day == days.c.day)
    stored = _stored_units(same & Timesheet.date.is_not(None) & _is_kept(staging))
    return select(days.c.user_id, days.c.day, stored).where(days.c.units + stored > max_units)


def _exceeded_weeks(staging: StagingTable, max_units: int, dialect: Dialect) -> Select[Any]:
    """Return a SELECT of user, year, week and stored units of weeks that would exceed their limit.

    It covers only weeks with a weekly entry, staged or stored: dated entries are limited by day.
    """
    key = [staging[name] for name in _KEYS[WEEK]]
    stored_key = [getattr(Timesheet, name) for name in _KEYS[WEEK]]
    same = [stored == staged for stored, staged in zip(stored_key, key, strict=True)]
    weekly = func.max(staging["date"].is_(None).cast(Integer)) == 1
    weekly_stored = exists(select(Timesheet.id).where(*same, Timesheet.date.is_(None)))
    weeks = (
        select(
            *key,
            func.min(staging["day"]).label("first"),
            func.max(staging["day"]).label("last"),
            func.sum(_units(staging)).label("units"),
        )
        .where(_is_written(staging))
        .group_by(*key)
        .having(or_(weekly, weekly_stored))
        .subquery()
    )
    same_week = [stored == weeks.c[stored.name] for stored in stored_key]
    # Wider than the week, but it lets the database use the index by person and day.
    around = Timesheet.day.between(
        add_days(weeks.c.last, -6, dialect), add_days(weeks.c.first, 6, dialect)
    )
    stored = _stored_units(and_(*same_week, around, _is_kept(staging)))
    found = [weeks.c[name] for name in _KEYS[WEEK]]
    return select(*found, stored).where(weeks.c.units + stored > max_units)


def _stored_units(condition: ColumnElement[bool]) -> ColumnElement[int]:
    total = func.coalesce(func.sum(type_coerce(Timesheet.hours, Integer)), 0)
    return select(total).where(condition).scalar_subquery()


def _select_rows(
    staging: StagingTable, keys: Sequence[tuple[Any, ...]], period: str
) -> Select[Any]:
    """Return a SELECT of key, line and units of these periods' rows, in the order of the lines."""
    columns = [staging[name] for name in _KEYS[period]]
    # The keys are in the driver's form: a day is a string on SQLite.
    in_periods = or_(*(and_(*map(_equals, columns, values)) for values in keys))
    rows = select(*columns, staging.line, _units(staging)).where(_is_written(staging), in_periods)
    if period == DAY:
        rows = rows.where(staging["date"].is_not(None))
    return rows.order_by(staging.line)


def _equals(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    type_ = String() if isinstance(value, str) else column.type
    return column == literal(value, type_)
