"""One change of an entry, as the history records it: statuses, version, values before and after.

Values are exact and alike on every database: hours are strings with two to four decimals
(``"7.25"``), exact to the second, dates are the timestamps that responses show, and other values
are those of responses. A creation has no ``before``, a deletion no ``after``; there, fields without
a value are left out.
``upload_changes`` builds the same values in SQL.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Dialect

from api.resources.timesheets.hours import format_hours
from api.resources.timesheets.rules.transitions import DELETED, NEW, SUBMITTED
from db.models.timesheet import Timesheet
from encore.types import UtcDateTime, format_stored_timestamp, format_timestamp

FIELDS: Final = (
    "user_type",
    "user_id",
    "date",
    "year",
    "week",
    "day",
    "project",
    "hours",
    "source",
    "external_id",
)
"""The fields whose changes are recorded: all that a caller may set."""

CREATE: Final = "create"
UPDATE: Final = "update"
UPLOAD: Final = "upload"
DECIDE: Final = "decide"
DELETE: Final = "delete"

_MILLISECOND: Final = 1_000
"""In microseconds."""

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one entry; see ``TimesheetChange``."""

    timesheet_id: int
    operation: str
    from_status: str
    to_status: str
    version: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class ChangeBuilder:
    """Builds changes from entries, which are Python values by attribute name.

    Args:
        dialect: The dialect of the database, which determines how exact timestamps are.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._has_text = stores_dates_as_text(dialect)
        self._format_timestamp = format_stored_timestamp if self._has_text else format_timestamp

    def as_stored(self, date: datetime | None) -> datetime | None:
        """Return a date as exact as the database stores it: text has milliseconds."""
        if date is None or not self._has_text:
            return date
        return date.replace(microsecond=date.microsecond // _MILLISECOND * _MILLISECOND)

    def creation(self, entry: Entry) -> Change:
        """Return the change that created an entry."""
        after = self._present(entry)
        return Change(entry["id"], CREATE, NEW, SUBMITTED, entry["version"], None, after)

    def update(self, before: Entry, after: Entry) -> Change:
        """Return the change from one state of an entry to another."""
        changed = [name for name in FIELDS if before[name] != after[name]]
        return Change(
            before["id"],
            UPDATE,
            before["status"],
            after["status"],
            before["version"] + 1,
            self._values(before, changed),
            self._values(after, changed),
        )

    def deletion(self, entry: Entry) -> Change:
        """Return the change that deletes an entry."""
        before, version = self._present(entry), entry["version"] + 1
        return Change(entry["id"], DELETE, entry["status"], DELETED, version, before, None)

    def _present(self, entry: Entry) -> Mapping[str, Any]:
        return self._values(entry, (name for name in FIELDS if entry[name] is not None))

    def _values(self, entry: Entry, names: Iterable[str]) -> Mapping[str, Any]:
        return {name: _to_json(entry[name], self._format_timestamp) for name in names}


def stores_dates_as_text(dialect: Dialect) -> bool:
    """Return whether the database stores a date as the text that responses show."""
    type_ = Timesheet.__table__.c.date.type
    return isinstance(type_, UtcDateTime) and type_.is_text(dialect)


def _to_json(value: Any, format_date: Callable[[datetime], str]) -> Any:
    if isinstance(value, Decimal):
        return format_hours(value)
    return format_date(value) if isinstance(value, datetime) else value
