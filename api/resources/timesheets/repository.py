"""Statements about many entries at once, chosen by their ids.

The ids are padded to a power of two by the last of them, so that few shapes are compiled, however
many entries callers choose.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Dialect, Integer, select, update

from db.models.timesheet import Timesheet
from encore import Resource
from encore.extensions import Connection, Field, Row, Statement, param

KEPT_SHAPES: Final = 16


def padded(ids: Sequence[int]) -> tuple[int, ...]:
    """Give the ids, and the last of them again up to a power of two."""
    missing = (1 << (len(ids) - 1).bit_length()) - len(ids)
    return (*ids, *[ids[-1]] * missing)


def among(size: int, first: int = 0) -> ColumnElement[bool]:
    """Choose entries by so many ids, whose slots begin at ``first``."""
    return Timesheet.id.in_([param(first + place, Integer()) for place in range(size)])


class TimesheetRepository:
    """Reads and changes entries that are chosen by their ids.

    Args:
        resource: Of entries.
        dialect: What to compile for.
    """

    def __init__(self, resource: Resource, dialect: Dialect) -> None:
        self._resource = resource
        self._dialect = dialect
        self._locking = lru_cache(KEPT_SHAPES)(self._lock)
        self._changing = lru_cache(KEPT_SHAPES)(self._change)

    async def lock(self, connection: Connection, ids: Sequence[int]) -> dict[int, Row]:
        """Give each entry's id, person, maker and status, locked until the transaction ends.

        They are locked in the order of their ids, so that no two callers wait in a ring.
        """
        values = padded(ids)
        rows = await connection.fetch_all(self._locking(len(values)), values)
        return {row[0]: row for row in rows}

    async def change(
        self, connection: Connection, ids: Sequence[int], attributes: Mapping[str, Any]
    ) -> list[Row]:
        """Write the same into each entry; give the rows, in the order of the ids."""
        fields = self._resource.fields
        written, values = fields.ordered({**fields.onupdate_values(), **attributes})
        chosen = padded(ids)
        statement = self._changing(written, len(chosen))
        rows = await connection.fetch_all(statement, (*values, *chosen))
        place = self._resource.serializer.column_index(self._resource.key[0].column)
        by_id = {row[place]: row for row in rows}
        return [by_id[number] for number in ids]

    def _lock(self, size: int) -> Statement:
        entry = (Timesheet.id, Timesheet.user_id, Timesheet.created_by, Timesheet.status)
        rows = select(*entry).where(among(size)).order_by(Timesheet.id).with_for_update()
        return Statement(rows, self._dialect)

    def _change(self, written: tuple[Field, ...], size: int) -> Statement:
        values = {f.column: param(place, f.column.type) for place, f in enumerate(written)}
        changed = update(Timesheet).values(values).where(among(size, len(written)))
        columns = (field.column for field in self._resource.fields)
        return Statement(changed.returning(*columns), self._dialect)
