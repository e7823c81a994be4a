"""Entries stored before hours had seconds and days were local: the column ``legacy`` of timesheets.

Their hours have two decimals, and their day is that of UTC. An import that sends such an entry
again now has its hours to the second and its local day. Unless its date (or week) or its hours, at
two decimals, differ, the row is the same entry: the stored hours and the stored day are adopted, so
that the row is ``unchanged``, even if the entry is approved or locked.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Integer,
    and_,
    case,
    exists,
    false,
    literal,
    not_,
    or_,
    select,
    type_coerce,
    update,
)

from api.resources.timesheets.rules.entry_period import HIGHEST_OFFSET, LOWEST_OFFSET
from db.models.timesheet import Timesheet
from encore.extensions import UPDATED, Connection, MergeContext, StagingTable, Statement, param

ROUNDED_BY: Final = Decimal("0.005")
"""The most that the hours of a legacy entry differ from those worked."""

_EXACT: Final = ("date", "day", "hours")
"""The fields that are exact in other entries; a write that changes one clears ``legacy``."""

_ADOPTED: Final = ("hours", "day", "year", "week")
"""The fields whose stored values are adopted."""

_ROUNDED_BY_SECONDS: Final = 18
_LAST_DAY: Final = date(9998, 12, 31)
"""The last day of an entry; the one after 9999 has no representation."""

_TABLE: Final = Timesheet.metadata.tables[Timesheet.__tablename__]
_STORED: Final = _TABLE.c
_NOT_LEGACY: Final = {_STORED.legacy: false(), _STORED.updatedAt: _STORED.updatedAt}
"""The values of the UPDATE; the write itself sets ``updatedAt``."""

_FOUND: Final = "legacy entries"


class LegacyEntries:
    """Clears ``legacy`` of an entry that a single write changes.

    Args:
        dialect: The dialect to compile for.
    """

    def __init__(self, dialect: Dialect) -> None:
        is_legacy = (_STORED.id == param(0, Integer())) & _STORED.legacy.is_(True)
        self._clear = Statement(update(_TABLE).values(_NOT_LEGACY).where(is_legacy), dialect)

    async def clear_changed(
        self, connection: Connection, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        """Clear the mark of an entry if a change of it changes its date, day or hours."""
        if any(before[name] != after[name] for name in _EXACT):
            await connection.fetch_all(self._clear, (before["id"],))


async def adopt_stored_values(merge: MergeContext) -> None:
    """Adopt the stored hours and day for rows that repeat a legacy entry.

    A ``before_compare`` hook.
    """
    merge.context.options[_FOUND] = False
    if not merge.has_changes:
        return
    staging = merge.staging
    values: dict[Any, Any] = {
        staging[name]: case((_repeats(staging), _STORED[name]), else_=staging[name])
        for name in _ADOPTED
    }
    is_legacy = (_STORED.id == staging.id) & _STORED.legacy.is_(True)
    adopted = update(staging.table).values(values).where(staging.status == UPDATED, is_legacy)
    merge.context.options[_FOUND] = bool(await merge.execute(adopted))


async def clear_changed_entries(merge: MergeContext) -> None:
    """Clear ``legacy`` of entries that the upload changes; a ``before_write`` hook."""
    if not merge.context.options[_FOUND]:
        return
    staging = merge.staging
    differs = or_(*(staging[name].is_distinct_from(_STORED[name]) for name in _EXACT))
    joined = staging.table.join(_TABLE, _STORED.id == staging.id)
    changed = select(staging.id).select_from(joined)
    changed = changed.where(staging.status == UPDATED, _STORED.legacy.is_(True), differs)
    await merge.execute(update(_TABLE).values(_NOT_LEGACY).where(_STORED.id.in_(changed)))


def keeps_its_day(staging: StagingTable) -> ColumnElement[bool]:
    """Return the condition that a row's day is that of its legacy entry, stored or adopted."""
    is_legacy = (_STORED.id == staging.id) & _STORED.legacy.is_(True)
    return exists(select(_STORED.id).where(is_legacy, _STORED.day == staging["day"]))


def may_be_outside(first: date, last: date) -> ColumnElement[bool]:
    """Return the condition of legacy entries whose local day may be outside a period.

    Stored is the day in UTC. The local day is in the period for certain if the day of the date is
    at each offset; weekly entries are certain.
    """
    begin = datetime.combine(first, time(), UTC) - LOWEST_OFFSET
    end = datetime.combine(min(last, _LAST_DAY), time(), UTC) + timedelta(days=1) - HIGHEST_OFFSET
    date_ = Timesheet.date
    is_certain = (date_ >= literal(begin, date_.type)) & (date_ < literal(end, date_.type))
    return _STORED.legacy.is_(True) & date_.is_not(None) & not_(is_certain)


def _repeats(staging: StagingTable) -> ColumnElement[bool]:
    """Return the condition that a row has the period and, at two decimals, hours of its entry."""
    sent, kept = (type_coerce(column, Integer) for column in (staging["hours"], _STORED.hours))
    same_week = and_(
        staging["date"].is_(None),
        _STORED.date.is_(None),
        staging["year"] == _STORED.year,
        staging["week"] == _STORED.week,
    )
    same_hours = sent.between(kept - _ROUNDED_BY_SECONDS, kept + _ROUNDED_BY_SECONDS)
    return same_hours & ((staging["date"] == _STORED.date) | same_week)
