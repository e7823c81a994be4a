"""The limits of ``limits`` over a whole upload: a person's days and weeks that have no more room.

What an upload adds to each day and week is summed in the database, together with what is stored;
only the crowded ones come here, where their rows are taken in the order of the upload for as long
as there is room. So a row that does not fit keeps out no later one that does.
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

from api.resources.timesheets.hour_limits import ALL_PERSONS
from api.resources.timesheets.rules import HOURS_PER_WEEK
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

_UNITS: Final = 100
"""Stored units of an hour (``FixedDecimal``)."""

_MOST_CROWDED: Final = 1_000
"""With more days or weeks over their limit, an upload is refused as a whole."""

_ROWS_AT_A_TIME: Final = 50_000

_REJECTED_AT_A_TIME: Final = 500


DAY: Final = "day"
WEEK: Final = "week"
_AT_A_TIME: Final = {DAY: 20, WEEK: 2}
"""So many hold, even in entries of 0.01 hours, fewer rows than ``_ROWS_AT_A_TIME``: each look finds
one to reject."""

_KEYS: Final = {DAY: ("user_id", "day"), WEEK: ("user_id", "year", "week")}

Stored = Mapping[tuple[Any, ...], int]
"""Units by person and day, or person and week."""


class BulkHourLimits:
    """Rejects rows of an upload for which there is no room.

    Args:
        hours_per_day: The most of a person's day, in hours.
        dialect: What statements are compiled for.
    """

    def __init__(self, hours_per_day: Decimal, dialect: Dialect) -> None:
        self._units = {DAY: int(hours_per_day * _UNITS), WEEK: int(HOURS_PER_WEEK * _UNITS)}
        self._limits = {DAY: f"{hours_per_day} a day", WEEK: f"{HOURS_PER_WEEK} a week"}
        self._dialect = dialect
        self._takes_lock = capabilities_of(dialect).advisory_locks

    async def judge(self, merge: MergeContext) -> None:
        """Reject what does not fit; an upload's hook."""
        if self._takes_lock:  # Against single entries, which share it (``limits``).
            await merge.fetch_all(select(advisory_lock(ALL_PERSONS)))
        days = _crowded_days(merge.staging, self._units[DAY])
        await self._reject_over(merge, days, DAY)
        weeks = _crowded_weeks(merge.staging, self._units[WEEK], self._dialect)
        await self._reject_over(merge, weeks, WEEK)

    async def _reject_over(self, merge: MergeContext, crowded: Select[Any], span: str) -> None:
        """Reject rows until no day, or no week, is over its limit.

        Raises:
            ValidationFailed: There are too many of them for this to be a matter of some rows.
        """
        found = await merge.fetch_all(crowded.limit(_MOST_CROWDED + 1))
        if len(found) > _MOST_CROWDED:
            raise ValidationFailed(
                f"Over {_MOST_CROWDED:,} {span}s of persons would be over {self._limits[span]}:"
                " nothing is written",
                [{"field": "hours", "message": f"hours must be at most {self._limits[span]}"}],
            )
        step = _AT_A_TIME[span]
        for first in range(0, len(found), step):
            stored = {tuple(key): units for *key, units in found[first : first + step]}
            await self._reject_in(merge, stored, span)

    async def _reject_in(self, merge: MergeContext, stored: Stored, span: str) -> None:
        """Reject rows of these days, or weeks, until none of them is over its limit."""
        units = self._units[span]
        rooms = {key: units - taken for key, taken in stored.items()}
        rows = _rows_of(merge.staging, list(rooms), span).limit(_ROWS_AT_A_TIME)
        while True:
            looked_at = await merge.fetch_all(rows)
            without_room = _without_room(looked_at, rooms)
            while lines := list(islice(without_room, _REJECTED_AT_A_TIME)):
                condition = merge.staging.line.in_(lines)
                await merge.reject(condition, "hours", self._message(merge.staging, span))
            if len(looked_at) < _ROWS_AT_A_TIME:
                return

    def _message(self, staging: StagingTable, span: str) -> ColumnElement[str]:
        """Word the refusal in SQL, for each row by its own values."""
        units = _units(staging)
        hours = cast(units // _UNITS, String)
        hundredths = func.substr(cast(units % _UNITS + _UNITS, String), 2, 2)
        where = (
            "on " + cast(staging["day"], String)
            if span == DAY
            else "in week " + cast(staging["week"], String) + " of " + cast(staging["year"], String)
        )
        text: ColumnElement[str] = (
            literal(f"hours must be at most {self._limits[span]} in all: ", Text)
            + (hours + "." + hundredths)
            + (literal(" more for ", Text) + staging["user_id"] + " " + where + " is too much")
        )
        return text


def _without_room(rows: Iterable[Sequence[Any]], rooms: Stored) -> Iterator[int]:
    """Give the lines of rows that no longer fit, each day or week filled from its first line.

    Args:
        rows: Key, line and units of each, in the order of the lines.
        rooms: The units that each day or week has room for, by its key.
    """
    left = dict(rooms)
    for *key, line, wanted in rows:
        group = tuple(key)
        if wanted > left[group]:
            yield line
        else:
            left[group] -= wanted


def _units(staging: StagingTable) -> ColumnElement[int]:
    return type_coerce(staging["hours"], Integer)


def _coming(staging: StagingTable) -> ColumnElement[bool]:
    """Rows that will be written."""
    return staging.status.in_((CREATED, UPDATED))


def _staying(staging: StagingTable) -> ColumnElement[bool]:
    """Stored entries that count, and that the upload does not replace."""
    replaced = select(staging.id).where(staging.status == UPDATED)
    return (Timesheet.status != "rejected") & Timesheet.id.not_in(replaced)


def _crowded_days(staging: StagingTable, units: int) -> Select[Any]:
    """Give person, day and stored units of each day that would be over its limit."""
    days = (
        select(staging["user_id"], staging["day"], func.sum(_units(staging)).label("units"))
        .where(_coming(staging), staging["date"].is_not(None))
        .group_by(staging["user_id"], staging["day"])
        .subquery()
    )
    same = (Timesheet.user_id == days.c.user_id) & (Timesheet.day == days.c.day)
    stored = _stored(same & Timesheet.date.is_not(None) & _staying(staging))
    return select(days.c.user_id, days.c.day, stored).where(days.c.units + stored > units)


def _crowded_weeks(staging: StagingTable, units: int, dialect: Dialect) -> Select[Any]:
    """Give person, year, week and stored units of each week that would be over its limit.

    Only weeks with a weekly entry, here or stored: days have their own limit.
    """
    key = [staging[name] for name in _KEYS[WEEK]]
    stored_key = [getattr(Timesheet, name) for name in _KEYS[WEEK]]
    same = [stored == staged for stored, staged in zip(stored_key, key, strict=True)]
    weekly = func.max(staging["date"].is_(None).cast(Integer)) == 1
    there = exists(select(Timesheet.id).where(*same, Timesheet.date.is_(None)))
    weeks = (
        select(
            *key,
            func.min(staging["day"]).label("first"),
            func.max(staging["day"]).label("last"),
            func.sum(_units(staging)).label("units"),
        )
        .where(_coming(staging))
        .group_by(*key)
        .having(or_(weekly, there))
        .subquery()
    )
    of_week = [stored == weeks.c[stored.name] for stored in stored_key]
    # Wider than the week, but the index of a person's entries is in the order of days.
    around = Timesheet.day.between(
        add_days(weeks.c.last, -6, dialect), add_days(weeks.c.first, 6, dialect)
    )
    stored = _stored(and_(*of_week, around, _staying(staging)))
    found = [weeks.c[name] for name in _KEYS[WEEK]]
    return select(*found, stored).where(weeks.c.units + stored > units)


def _stored(condition: ColumnElement[bool]) -> ColumnElement[int]:
    total = func.coalesce(func.sum(type_coerce(Timesheet.hours, Integer)), 0)
    return select(total).where(condition).scalar_subquery()


def _rows_of(staging: StagingTable, keys: Sequence[tuple[Any, ...]], span: str) -> Select[Any]:
    """Give the rows of these days or weeks: key, line, units; in the order of the lines."""
    key = [staging[name] for name in _KEYS[span]]
    # The keys are as the driver gave them: text for a day on SQLite.
    these = or_(*(and_(*map(_is, key, values)) for values in keys))
    rows = select(*key, staging.line, _units(staging)).where(_coming(staging), these)
    if span == DAY:
        rows = rows.where(staging["date"].is_not(None))
    return rows.order_by(staging.line)


def _is(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    kind = String() if isinstance(value, str) else column.type
    return column == literal(value, kind)
