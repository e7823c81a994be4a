"""The changes that an upload makes, recorded by one INSERT for all its rows.

The values before are those of the stored entry, the values after those of the staged row; both are
built in SQL, as ``changes`` builds them for one entry.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Dialect,
    String,
    Text,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    type_coerce,
)

from api.resources.timesheets.history.audit_log import BY_REQUEST, request_values
from api.resources.timesheets.history.changes import FIELDS, UPLOAD, stores_dates_as_text
from api.resources.timesheets.hours import hours_text
from api.resources.timesheets.rules.transitions import DELETED, NEW, SUBMITTED
from db.models.timesheet import Timesheet
from db.models.timesheet_change import TimesheetChange
from encore import Principal
from encore.extensions import UNCHANGED, MergeContext, StagingTable, capabilities_of
from encore.types import now

_NUMBERS: Final = ("year", "week")
_TRAILING_ZEROS: Final = "0{1,3}$"
"""Timestamps have three to six digits of a second (``format_timestamp``)."""

Element = ColumnElement[Any]


async def record_upload(merge: MergeContext, principal: Principal, dialect: Dialect) -> None:
    """Record the creations, changes and renames of an upload, before its rows are written."""
    values = {**_shared_values(principal), **_select_changes(merge.staging, dialect)}
    staging, stored = merge.staging, Timesheet.__table__
    rows = (
        select(*values.values())
        .select_from(staging.table.outerjoin(stored, stored.c.id == staging.id))
        .where(staging.is_written)
        .order_by(staging.line)
    )
    await _insert(merge, values, rows)


async def record_withdrawals(
    merge: MergeContext, principal: Principal, withdrawn: ColumnElement[bool], dialect: Dialect
) -> None:
    """Record the deletions of an upload, before they are made.

    Args:
        merge: The merge of the upload.
        principal: The principal of the request.
        withdrawn: The condition of the entries that the upload deletes.
        dialect: The dialect of the database.
    """
    stored = Timesheet.__table__.c
    old = {name: stored[name] for name in FIELDS}
    is_set = {name: value.is_not(None) for name, value in old.items()}
    values = {
        **_shared_values(principal),
        "timesheet_id": stored.id,
        "operation": literal(UPLOAD, String),
        "from": stored.status,
        "to": literal(DELETED, String),
        "version": stored.version + 1,
        "before": _ToJson(dialect).build_object(old, is_set),
    }
    await _insert(merge, values, select(*values.values()).where(withdrawn).order_by(stored.id))


def _shared_values(principal: Principal) -> dict[str, Any]:
    """Return the values of the columns that all changes of an upload share."""
    columns = TimesheetChange.__table__.columns
    shared = zip(BY_REQUEST, request_values(principal, now()), strict=True)
    return {name: literal(value, columns[name].type) for name, value in shared}


async def _insert(merge: MergeContext, values: Iterable[str], rows: Any) -> None:
    targets = [TimesheetChange.__table__.columns[name] for name in values]
    await merge.execute(insert(TimesheetChange).from_select(targets, rows))


def _select_changes(staging: StagingTable, dialect: Dialect) -> Mapping[str, Element]:
    """Return the expressions of the columns that differ between the rows of an upload."""
    stored = Timesheet.__table__.c
    to_json = _ToJson(dialect)
    is_new = stored.id.is_(None)
    old = {name: stored[name] for name in FIELDS}
    fields = {field.attribute: field for field in staging.fields}
    new = {}
    for name in FIELDS:
        is_set = is_new | staging.contains(fields[name])  # New rows have their defaults as well.
        new[name] = case((is_set, staging.value(fields[name])), else_=old[name])
    changed = {name: new[name].is_distinct_from(old[name]) for name in FIELDS}
    return {
        "timesheet_id": staging.id,
        "operation": literal(UPLOAD, String),
        "from": func.coalesce(stored.status, NEW),
        # An entry that only gets another external id keeps its status.
        "to": case((staging.status == UNCHANGED, stored.status), else_=literal(SUBMITTED, String)),
        "version": func.coalesce(stored.version, 0) + 1,
        "before": case((~is_new, to_json.build_object(old, changed))),
        "after": to_json.build_object(new, changed),
    }


class _ToJson:
    """Builds JSON objects in SQL.

    Args:
        dialect: The dialect of the database.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._is_parsed = capabilities_of(dialect).parsed_json
        self._has_text_dates = stores_dates_as_text(dialect)

    def build_object(
        self, values: Mapping[str, Element], conditions: Mapping[str, Element]
    ) -> Element:
        """Return the object of those values whose condition holds."""
        text: Element = literal("", Text)
        for name, value in values.items():
            member = literal(f',"{name}":', Text) + self._value(name, value)
            text = text + case((conditions[name], member), else_="")
        built = literal("{", Text) + func.substr(text, 2) + literal("}", Text)
        type_ = TimesheetChange.__table__.c.before.type
        return cast(built, type_) if self._is_parsed else type_coerce(built, type_)

    def _value(self, name: str, value: Element) -> Element:
        if name in _NUMBERS:
            return func.coalesce(cast(value, Text), "null")
        if name == "hours":
            value = hours_text(value)
        elif name == "date":
            value = self._format_date(value)
        elif name == "day":
            value = self._format_day(value)
        if self._is_parsed:
            return func.coalesce(cast(func.to_json(cast(value, Text)), Text), "null")
        return func.json_quote(value)

    def _format_date(self, date: Element) -> Element:
        if self._has_text_dates:
            return type_coerce(date, Text)
        text = func.to_char(func.timezone("UTC", date), 'YYYY-MM-DD"T"HH24:MI:SS.US')
        return func.regexp_replace(text, _TRAILING_ZEROS, "") + literal("Z", Text)

    def _format_day(self, day: Element) -> Element:
        if self._has_text_dates:
            return type_coerce(day, Text)
        return func.to_char(day, "YYYY-MM-DD")
