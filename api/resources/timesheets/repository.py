"""Reading, locking and updating timesheet entries by id.

The ids of a statement are padded to a power of two by repeating the last one, so that few
statements are compiled whatever the number of ids.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Dialect, Integer, select, update

from db.models.timesheet import Timesheet
from encore import Resource
from encore.extensions import Connection, Field, Row, Statement, param, version_increment

CACHED_STATEMENTS: Final = 16


def pad_ids(ids: Sequence[int]) -> tuple[int, ...]:
    """Return the ids with the last one repeated up to the next power of two."""
    missing = (1 << (len(ids) - 1).bit_length()) - len(ids)
    return (*ids, *[ids[-1]] * missing)


def id_in_params(size: int, first: int = 0) -> ColumnElement[bool]:
    """Return ``id IN (...)`` with ``size`` bind parameters, numbered from ``first``."""
    return Timesheet.id.in_([param(first + place, Integer()) for place in range(size)])


class LockedEntry(NamedTuple):
    """What decisions depend on, of an entry that is locked until the transaction ends."""

    id: int
    user_id: str
    created_by: str
    status: str
    version: int


class TimesheetRepository:
    """Reads, locks and updates entries by id, inside the caller's transaction.

    Rows are locked with ``SELECT ... FOR UPDATE`` where the database has row locks; SQLite has one
    writer at a time and needs none.

    Args:
        resource: A resource of ``Timesheet``; its fields and serializer determine the rows.
        dialect: The dialect to compile for.
    """

    def __init__(self, resource: Resource, dialect: Dialect) -> None:
        self._resource = resource
        self._dialect = dialect
        rows = select(*(field.column for field in resource.fields)).where(id_in_params(1))
        self._select = Statement(rows, dialect)
        self._select_for_update = Statement(rows.with_for_update(), dialect)
        self._lock_statement = lru_cache(CACHED_STATEMENTS)(self._build_lock)
        self._update_statement = lru_cache(CACHED_STATEMENTS)(self._build_update)

    async def get(self, connection: Connection, id_: int) -> dict[str, Any] | None:
        """Return an entry as Python values by attribute name, or None if there is none."""
        return await self._fetch(connection, self._select, id_)

    async def get_for_update(self, connection: Connection, id_: int) -> dict[str, Any] | None:
        """Return the same as ``get``, and lock the row until the transaction ends."""
        return await self._fetch(connection, self._select_for_update, id_)

    async def lock_many(self, connection: Connection, ids: Sequence[int]) -> dict[int, LockedEntry]:
        """Lock entries until the transaction ends; return those that exist, by id.

        They are locked in the order of their ids, so that two callers cannot deadlock.
        """
        values = pad_ids(ids)
        rows = await connection.fetch_all(self._lock_statement(len(values)), values)
        return {row[0]: LockedEntry(*row) for row in rows}

    async def update_many(
        self, connection: Connection, ids: Sequence[int], attributes: Mapping[str, Any]
    ) -> list[Row]:
        """Set the same attributes on all entries, and count their versions up.

        Returns:
            Their rows, in the order of the ids.
        """
        fields = self._resource.fields
        written, values = fields.ordered({**fields.onupdate_values(), **attributes})
        padded = pad_ids(ids)
        statement = self._update_statement(written, len(padded))
        rows = await connection.fetch_all(statement, (*values, *padded))
        place = self._resource.serializer.column_index(self._resource.key[0].column)
        by_id = {row[place]: row for row in rows}
        return [by_id[id_] for id_ in ids]

    async def _fetch(
        self, connection: Connection, statement: Statement, id_: int
    ) -> dict[str, Any] | None:
        row = await connection.fetch_one(statement, (id_,))
        return None if row is None else self.read_values(row)

    def read_values(self, row: Row) -> dict[str, Any]:
        """Return the Python values of an entry's row by attribute name."""
        (record,) = self._resource.serializer.read_rows((row,))
        values = ((f, getattr(record, f.attribute)) for f in self._resource.fields)
        return {f.attribute: None if v is None else f.codec.from_json(v) for f, v in values}

    def _build_lock(self, size: int) -> Statement:
        columns = [getattr(Timesheet, name) for name in LockedEntry._fields]
        rows = select(*columns).where(id_in_params(size)).order_by(Timesheet.id).with_for_update()
        return Statement(rows, self._dialect)

    def _build_update(self, written: tuple[Field, ...], size: int) -> Statement:
        values: dict[Any, Any] = {
            f.column: param(place, f.column.type) for place, f in enumerate(written)
        }
        values |= version_increment(Timesheet)
        changed = update(Timesheet).values(values).where(id_in_params(size, len(written)))
        columns = (field.column for field in self._resource.fields)
        return Statement(changed.returning(*columns), self._dialect)
