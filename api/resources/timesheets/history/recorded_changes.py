"""What the history says about entries: who has changed them, and what has changed since a version.

Both are read inside the transaction of a decision, when the entries are locked: no change is missed
and none is added before the commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Dialect, Integer, func, select

from api.resources.timesheets.repository import CACHED_STATEMENTS, pad_ids
from api.resources.timesheets.rules.transitions import APPROVED, REJECTED
from db.models.timesheet_change import TimesheetChange
from encore.extensions import Connection, Row, Statement, param

_MAX_DESCRIBED: Final = 1_000
"""The most changes that an error describes together."""

_DECISIONS: Final = (APPROVED, REJECTED)
_STATUS: Final = "status"


class RecordedChanges:
    """Reads the history of entries by their ids.

    Args:
        dialect: The dialect to compile for.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._select_names = lru_cache(CACHED_STATEMENTS)(self._build_select_names)
        self._select_since = lru_cache(CACHED_STATEMENTS)(self._build_select_since)

    async def fetch_names(
        self, connection: Connection, ids: Sequence[int]
    ) -> Mapping[int, Sequence[str]]:
        """Return who has changed each entry since its last decision, by id.

        These are the principals of the changes, and the persons whose entry it was before one.
        """
        padded = pad_ids(ids)
        names: dict[int, dict[str, None]] = {id_: {} for id_ in ids}
        for id_, who, person in await connection.fetch_all(self._select_names(len(padded)), padded):
            names[id_] |= dict.fromkeys(name for name in (who, person) if name is not None)
        return {id_: list(found) for id_, found in names.items()}

    async def describe(
        self, connection: Connection, versions: Mapping[int, int], stored: Mapping[int, int]
    ) -> Mapping[int, str]:
        """Return what has changed since a version, by the id of the entry: who, and which values.

        Entries are left out if not all their changes are known: after ``_MAX_DESCRIBED`` changes,
        or if the history lacks some.

        Args:
            connection: The connection.
            versions: The version of each entry that was seen, by its id.
            stored: The stored version of each entry, by its id.
        """
        padded = pad_ids(list(versions))
        statement = self._select_since(len(padded))
        rows = await connection.fetch_all(statement, (min(versions.values()), *padded))
        changes: dict[int, list[Row]] = {id_: [] for id_ in versions}
        for id_, version, *change in rows:
            if version > versions[id_]:
                changes[id_].append(change)
        return {
            id_: _describe(found)
            for id_, found in changes.items()
            if found and len(found) == stored[id_] - versions[id_]
        }

    def _build_select_names(self, size: int) -> Statement:
        change, decision = TimesheetChange, TimesheetChange.__table__.alias()
        decided = (
            select(func.max(decision.c.id))
            .where(decision.c.timesheet_id == change.timesheet_id, decision.c.to.in_(_DECISIONS))
            .scalar_subquery()
        )
        person = change.before["user_id"].as_string()
        rows = (
            select(change.timesheet_id, change.who, person)
            .where(_id_in_params(size), change.id > func.coalesce(decided, 0))
            .distinct()
        )
        return Statement(rows, self._dialect)

    def _build_select_since(self, size: int) -> Statement:
        change = TimesheetChange
        columns = (change.who, change.from_status, change.to_status, change.before, change.after)
        rows = (
            select(change.timesheet_id, change.version, *columns)
            .where(change.version > param(0, Integer()), _id_in_params(size, 1))
            .order_by(change.timesheet_id, change.id)
            .limit(_MAX_DESCRIBED)
        )
        return Statement(rows, self._dialect)


def _id_in_params(size: int, first: int = 0) -> ColumnElement[bool]:
    ids = [param(first + place, Integer()) for place in range(size)]
    return TimesheetChange.timesheet_id.in_(ids)


def _describe(changes: Iterable[Row]) -> str:
    """Return who has changed what, from rows of who, both statuses, before and after."""
    names: dict[str, None] = {}
    first: dict[str, Any] = {}
    last: dict[str, Any] = {}
    for who, from_, to, before, after in changes:
        names[who] = None
        first = {_STATUS: from_, **_decode(before), **first}
        last |= {_STATUS: to, **_decode(after)}
    values = [
        f"{name} from {_format(first.get(name))} to {_format(value)}"
        for name, value in last.items()
        if value != first.get(name)
    ]
    what = ", ".join(values) or "it and back"
    return f"{' and '.join(names)} changed {what}"


def _decode(values: Any) -> Mapping[str, Any]:
    """Return the values of a change; drivers return JSON as text or decoded."""
    decoded: Mapping[str, Any] = msgspec.json.decode(values) if isinstance(values, str) else values
    return decoded or {}


def _format(value: Any) -> str:
    return "none" if value is None else str(value)
