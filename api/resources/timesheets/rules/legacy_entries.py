"""Entries stored before hours had seconds and days were local (``Timesheet.legacy``).

Their hours have two decimals, and their day is that of UTC. An import that sends such an entry
again now has its hours to the second and its local day. Unless its date (or week) or its hours, at
two decimals, differ, the row is the same entry: the stored hours and the stored day are adopted, so
that the row is ``unchanged``, even if the entry is approved or locked.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, and_, case, false, true, type_coerce, update

from db.models.timesheet import Timesheet
from encore.extensions import MergeContext, StagingTable

LEGACY: Final = "legacy"
EXACT: Final = ("date", "day", "hours")
"""The fields that are exact in other entries; a write that changes one clears ``legacy``."""

_ADOPTED: Final = ("hours", "day", "year", "week")
"""The fields whose stored values are adopted."""

_HALF_OF_HUNDREDTH: Final = 18
"""Half of 0.01 hours, in seconds."""


async def adopt_stored_values(merge: MergeContext) -> None:
    """Adopt the stored hours and day for rows that repeat a legacy entry.

    A ``before_compare`` hook. Rows that change an entry clear its flag.
    """
    staging, stored = merge.staging, Timesheet.__table__.c
    repeats = _repeats(staging)
    values: dict[Any, Any] = {
        staging[name]: case((repeats, stored[name]), else_=staging[name]) for name in _ADOPTED
    }
    values[staging[LEGACY]] = case((repeats, true()), else_=false())
    mask = staging.field_mask
    values[mask] = mask.bitwise_or(staging.mask_of([LEGACY]))
    is_legacy = (stored.id == staging.id) & stored.legacy.is_(True)
    await merge.execute(update(staging.table).values(values).where(staging.is_matched, is_legacy))


def _repeats(staging: StagingTable) -> ColumnElement[bool]:
    """Return the condition that a row has the period and, at two decimals, hours of its entry."""
    stored = Timesheet.__table__.c
    sent, kept = (type_coerce(column, Integer) for column in (staging["hours"], stored.hours))
    same_week = and_(
        staging["date"].is_(None),
        stored.date.is_(None),
        staging["year"] == stored.year,
        staging["week"] == stored.week,
    )
    same_hours = sent.between(kept - _HALF_OF_HUNDREDTH, kept + _HALF_OF_HUNDREDTH)
    return same_hours & ((staging["date"] == stored.date) | same_week)
