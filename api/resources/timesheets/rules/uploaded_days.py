"""The day of uploaded rows that give none: the stored one, if their date is that of the entry.

Rows are validated before it is known which entries they change. Those without a day get a derived
one, and a flag by which the stored day replaces it in SQL. Their year and week must match the day
that they end up with; errors that the derived day has with them wait until then.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import case, exists, literal, or_, select, update

from api.resources.timesheets.rules.entry_period import ISO_WEEK
from db.models.timesheet import Timesheet
from encore.extensions import UPDATED, MergeContext, UploadedRow

_DERIVED: Final = "derived day"
_DEFERRED: Final = "deferred errors"
FLAGS: Final = (_DERIVED,)

_MAX_DEFERRED: Final = 1_000
"""Errors of an upload that may wait; rows with further ones are rejected at once."""

_PERIOD: Final = ("day", *ISO_WEEK)

GivenWeek = Mapping[str, Any]
"""The year and the week that a row gives, before validation sets them."""

_NONE_GIVEN: Final[GivenWeek] = MappingProxyType({})


def flag_derived_day(row: UploadedRow) -> GivenWeek:
    """Flag a row whose day validation will derive although it may be stored.

    Returns:
        The year and the week that a flagged row gives, for ``defer_week_errors``.
    """
    get = (entry := row.attributes).get
    is_derived = get("day") is None and get("date") is not None
    if not is_derived or get("external_id") is None or row.errors.found:
        return _NONE_GIVEN
    row.flags = FLAGS
    row.context.options[_DERIVED] = True
    if "year" in entry or "week" in entry:
        return {name: entry[name] for name in ISO_WEEK if entry.get(name) is not None}
    return _NONE_GIVEN


def defer_week_errors(row: UploadedRow, given: GivenWeek) -> None:
    """Remove the errors of a year and a week that may match the stored day, after validation."""
    errors = row.errors.found
    if not errors or any(error["field"] not in ISO_WEEK for error in errors):
        return
    deferred: dict[int, Any] = row.context.options.setdefault(_DEFERRED, {})
    if len(deferred) >= _MAX_DEFERRED:
        return
    deferred[row.line] = errors[-1]
    for name in ISO_WEEK:
        row.errors.discard(name)
        row.attributes[name] = given.get(name)


async def keep_stored_days(merge: MergeContext) -> None:
    """Set the stored day, year and week in rows that give none; a ``before_compare`` hook."""
    options = merge.context.options
    if _DERIVED not in options:
        return
    staging, stored = merge.staging, Timesheet.__table__.c
    date = next(field for field in staging.fields if field.attribute == "date")
    is_same = (stored.id == staging.id) & staging.equals(date, stored.date)
    if deferred := options.get(_DEFERRED):
        same_week = [or_(staging[n].is_(None), staging[n] == stored[n]) for n in ISO_WEEK]
        matches = select(literal(1)).where(is_same, *same_week).correlate(staging.table)
        for name in ISO_WEEK:
            text = {line: e["message"] for line, e in deferred.items() if e["field"] == name}
            if text:
                invalid = staging.line.in_(text) & ~exists(matches)
                await merge.reject(invalid, name, case(text, value=staging.line))
    if not merge.has_changes:
        return
    kept = {staging[name]: stored[name] for name in _PERIOD}
    derived = staging.has_flag(_DERIVED) & (staging["day"] != stored.day)
    is_changed = staging.status == UPDATED
    await merge.execute(update(staging.table).values(kept).where(is_changed, derived, is_same))
