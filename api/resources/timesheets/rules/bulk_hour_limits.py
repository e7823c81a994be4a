"""The hour limits over an upload: rejects the rows that would exceed the limit of a day or a week.

The database adds what an upload writes to what is stored, per person and day or week. Only the days
and weeks over their limit are fetched; their rows are accepted in the order of the upload as long
as hours remain. A row that does not fit therefore does not keep out a later, smaller one.
"""

from collections.abc import Iterable, Iterator, Sequence
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
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
)

from api.resources.timesheets.hours import hours_text
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
from encore.types import DurationHours

_MAX_EXCEEDED: Final = 1_000
"""With more days or weeks over their limit, an upload is rejected as a whole."""

_FETCH_SIZE: Final = 5_000
"""Rows fetched at once; a day may have many more, each of one second."""

_REJECT_SIZE: Final = 500
"""Rows rejected by one statement."""

NOT_COUNTED: Final = "not counted"
"""The option of an upload with the condition of stored entries that it deletes."""

DAY: Final = "day"
WEEK: Final = "week"
_PERIODS_AT_ONCE: Final = 20
"""Days or weeks whose rows one statement selects."""

_KEYS: Final = {DAY: ("user_id", "day"), WEEK: ("user_id", "year", "week")}

SecondsByPeriod = dict[tuple[Any, ...], int]
"""Seconds by person and day, or by person and week."""


class BulkHourLimits:
    """Rejects rows of an upload that would exceed the limit of a day or a week.

    Args:
        hours_per_day: The limit of a person's day, in hours.
        dialect: The dialect that statements are compiled for.
    """

    def __init__(self, hours_per_day: Decimal, dialect: Dialect) -> None:
        self._max_seconds = {
            DAY: DurationHours.to_seconds(hours_per_day),
            WEEK: DurationHours.to_seconds(HOURS_PER_WEEK),
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
        kept = _is_kept(merge.staging)
        if (not_counted := merge.context.options.get(NOT_COUNTED)) is not None:
            # Not a negation: the condition is NULL of entries without a source, which count.
            kept &= case((not_counted, false()), else_=true())
        days = _exceeded_days(merge.staging, kept, self._max_seconds[DAY])
        await self._reject_in_periods(merge, days, DAY)
        weeks = _exceeded_weeks(merge.staging, kept, self._max_seconds[WEEK], self._dialect)
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
        max_seconds = self._max_seconds[period]
        for first in range(0, len(found), _PERIODS_AT_ONCE):
            periods = found[first : first + _PERIODS_AT_ONCE]
            remaining = {tuple(key): max_seconds - int(seconds) for *key, seconds in periods}
            await self._reject_rows(merge, remaining, period)

    async def _reject_rows(
        self, merge: MergeContext, remaining: SecondsByPeriod, period: str
    ) -> None:
        """Reject the rows of these days, or weeks, that exceed what remains of them."""
        line = merge.staging.line
        statement = _select_rows(merge.staging, list(remaining), period).limit(_FETCH_SIZE)
        rows = await merge.fetch_all(statement)
        while rows:
            exceeding = _exceeding_lines(rows, remaining)
            while lines := list(islice(exceeding, _REJECT_SIZE)):
                message = self._message(merge.staging, period)
                await merge.reject(line.in_(lines), "hours", message)
            if len(rows) < _FETCH_SIZE:
                return
            *_, last_line, _ = rows[-1]
            rows = await merge.fetch_all(statement.where(line > last_line))

    def _message(self, staging: StagingTable, period: str) -> ColumnElement[str]:
        """Return the SQL expression of a row's error message, built from the row's values."""
        when = (
            "on " + cast(staging["day"], String)
            if period == DAY
            else "in week " + cast(staging["week"], String) + " of " + cast(staging["year"], String)
        )
        message: ColumnElement[str] = (
            literal("adding ", Text)
            + hours_text(staging["hours"])
            + (literal(" hours for ", Text) + staging["user_id"] + " " + when)
            + literal(f" exceeds the limit of {self._limits[period]}", Text)
        )
        return message


def _exceeding_lines(rows: Iterable[Sequence[Any]], remaining: SecondsByPeriod) -> Iterator[int]:
    """Yield the lines of rows that exceed what remains of their day or week.

    Args:
        rows: Key, line and seconds of each, in the order of the lines.
        remaining: The remaining seconds of each day or week by its key; those of other rows are
            subtracted.
    """
    for *key, line, seconds in rows:
        period = tuple(key)
        if seconds > remaining[period]:
            yield line
        else:
            remaining[period] -= seconds


def _seconds(staging: StagingTable) -> ColumnElement[int]:
    return type_coerce(staging["hours"], Integer)


def _is_written(staging: StagingTable) -> ColumnElement[bool]:
    """Return the condition of staged rows that the upload will write."""
    return staging.status.in_((CREATED, UPDATED))


def _is_kept(staging: StagingTable) -> ColumnElement[bool]:
    """Return the condition of stored entries that count and that the upload does not replace."""
    replaced = select(staging.id).where(staging.status == UPDATED)
    return (Timesheet.status != "rejected") & Timesheet.id.not_in(replaced)


def _exceeded_days(
    staging: StagingTable, kept: ColumnElement[bool], max_seconds: int
) -> Select[Any]:
    """Return a SELECT of user, day and stored seconds of each day that would exceed its limit."""
    days = (
        select(staging["user_id"], staging["day"], func.sum(_seconds(staging)).label("seconds"))
        .where(_is_written(staging), staging["date"].is_not(None))
        .group_by(staging["user_id"], staging["day"])
        .subquery()
    )
    same = (Timesheet.user_id == days.c.user_id) & (Timesheet.day == days.c.day)
    stored = _stored_seconds(same & Timesheet.date.is_not(None) & kept)
    return select(days.c.user_id, days.c.day, stored).where(days.c.seconds + stored > max_seconds)


def _exceeded_weeks(
    staging: StagingTable, kept: ColumnElement[bool], max_seconds: int, dialect: Dialect
) -> Select[Any]:
    """Return a SELECT of user, year, week and stored seconds of weeks over their limit.

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
            func.sum(_seconds(staging)).label("seconds"),
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
    stored = _stored_seconds(and_(*same_week, around, kept))
    found = [weeks.c[name] for name in _KEYS[WEEK]]
    return select(*found, stored).where(weeks.c.seconds + stored > max_seconds)


def _stored_seconds(condition: ColumnElement[bool]) -> ColumnElement[int]:
    total = func.coalesce(func.sum(type_coerce(Timesheet.hours, Integer)), 0)
    return select(total).where(condition).scalar_subquery()


def _select_rows(
    staging: StagingTable, keys: Sequence[tuple[Any, ...]], period: str
) -> Select[Any]:
    """Return a SELECT of key, line and seconds of these periods' rows, by line."""
    columns = [staging[name] for name in _KEYS[period]]
    # The keys are in the driver's form: a day is a string on SQLite.
    in_periods = or_(*(and_(*map(_equals, columns, values)) for values in keys))
    rows = select(*columns, staging.line, _seconds(staging)).where(_is_written(staging), in_periods)
    if period == DAY:
        rows = rows.where(staging["date"].is_not(None))
    return rows.order_by(staging.line)


def _equals(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    type_ = String() if isinstance(value, str) else column.type
    return column == literal(value, type_)
