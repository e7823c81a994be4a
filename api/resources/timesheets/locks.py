"""Reading an entry in the transaction that will change it, so that nobody else does meanwhile."""

from typing import Any

from sqlalchemy import Dialect, select

from db.models.timesheet import Timesheet
from encore import Context, Resource
from encore.extensions import Statement, param


class RowLock:
    """Reads entries inside the transaction, locked until it ends where the database has row locks.

    Args:
        timesheets: The entries' resource.
        dialect: What to compile for.
    """

    def __init__(self, timesheets: Resource, dialect: Dialect) -> None:
        self._serializer = timesheets.serializer
        self._fields = tuple(timesheets.fields)
        of_id = Timesheet.id == param(0, Timesheet.id.type)
        rows = select(*(field.column for field in self._fields)).where(of_id)
        self._reading = Statement(rows, dialect)
        self._locking = Statement(rows.with_for_update(), dialect)

    async def read(self, context: Context, number: int) -> dict[str, Any] | None:
        """Give an entry's Python values under its attributes; None where there is none."""
        return await self._fetch(context, self._reading, number)

    async def lock(self, context: Context, number: int) -> dict[str, Any] | None:
        """Give the same, and let no other transaction change it until this one ends."""
        return await self._fetch(context, self._locking, number)

    async def _fetch(
        self, context: Context, statement: Statement, number: int
    ) -> dict[str, Any] | None:
        row = await (await context.connection()).fetch_one(statement, (number,))
        if row is None:
            return None
        (record,) = self._serializer.read_rows((row,))
        values = ((f, getattr(record, f.attribute)) for f in self._fields)
        return {f.attribute: None if v is None else f.codec.from_json(v) for f, v in values}
