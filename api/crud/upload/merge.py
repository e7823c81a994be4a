"""The merge: in one transaction, from the rows on the stage to rows of the table."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement
from sqlalchemy.sql import ClauseElement

from api.crud.upload.context import UploadContext
from api.crud.upload.stage import STATUSES, Stage
from api.crud.views.fields import Field, initial_values
from db.bulk import Bulk
from db.statement import Row, Statement, Values

if TYPE_CHECKING:
    from api.crud.upload.upload import Upload

Counts = Mapping[str, int]
"""How many rows there are of each status."""


class Merge:
    """One upload's merge, as hooks see it.

    Attributes:
        context: The upload.
        connection: Inside the transaction.
        stage: The rows: new ones have the status ``created`` already.
    """

    def __init__(self, upload: "Upload", context: UploadContext, connection: Bulk) -> None:
        self._upload = upload
        self._statements = upload.statements
        self.context = context
        self.connection = connection
        self.stage: Stage = upload.stage

    async def execute(self, clause: ClauseElement, values: Values = ()) -> int:
        """Run a statement of a hook's own; tell how many rows it changed."""
        return await self.connection.execute(self._compiled(clause), values)

    async def fetch_all(self, clause: ClauseElement, values: Values = ()) -> list[Row]:
        """Run a statement of a hook's own; give its rows."""
        return await self.connection.fetch_all(self._compiled(clause), values)

    async def reject(
        self, condition: ColumnElement[bool], field: str, message: str | ColumnElement[str]
    ) -> int:
        """Reject the rows, not rejected yet, for which the condition holds.

        Args:
            condition: In terms of the stage and, maybe, other tables.
            field: What is wrong.
            message: The whole text, or an SQL expression that gives it.

        Returns:
            How many.
        """
        return await self.execute(self._statements.rejecting(condition, field, message))

    def _compiled(self, clause: ClauseElement) -> Statement:
        return Statement(clause, self._upload.dialect)

    async def reject_repeated(self) -> int:
        """Reject rows with the natural key of an earlier one; tell how many."""
        return await self.connection.execute(self._statements.repeated, ())

    async def classify(self) -> Counts:
        """Find out what becomes of each row."""
        for statement in self._statements.dangling:
            await self.connection.execute(statement, ())
        await self.connection.execute(self._statements.known, ())
        for hook in self._upload.judges:
            await hook(self)
        counts = dict.fromkeys(STATUSES, 0)
        for status, count in await self.connection.fetch_all(self._statements.counts, ()):
            counts[status] = count
        return counts

    async def write(self, counts: Counts) -> None:
        """Write what is new or changed; the rest is left alone."""
        upload, statements = self._upload, self._statements
        if counts["created"]:
            await self.connection.execute(statements.numbered, await self._highest_id())
        for hook in upload.before_writes:
            await hook(self)
        if counts["created"]:
            values = _values(initial_values(upload.moments))
            await self.connection.execute(statements.created, values)
        if counts["updated"] and statements.updated is not None:
            values = _values((field, field.refreshed()) for field in upload.refreshed)
            await self.connection.execute(statements.updated, values)
        for hook in upload.writtens:
            await hook(self)

    async def _highest_id(self) -> Values:
        found = [await self.connection.fetch_one(one, ()) for one in self._statements.highest]
        return (max(row[0] or 0 for row in found if row is not None),) if found else ()


def _values(pairs: Iterable[tuple[Field, Any]]) -> Values:
    """Give what the driver binds for fields and their Python values."""
    return tuple(field.codec.driver_value(value) for field, value in pairs)
