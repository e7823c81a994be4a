"""Merging: the steps from the rows on the stage to rows of the table, with the hooks in between."""

from collections.abc import Iterable
from typing import Any

from api.crud.upload.merge import Merge
from api.crud.upload.stage import STATUSES, Counts
from api.crud.upload.upload import Upload
from api.crud.views.fields import Field, initial_values
from db.statement import Values


class Merging:
    """Takes the steps of one upload.

    Args:
        upload: What is uploaded, and how.
        merge: What its hooks are given.
    """

    def __init__(self, upload: Upload, merge: Merge) -> None:
        self._upload = upload
        self._merge = merge
        self._connection = merge.connection
        self._statements = upload.statements

    async def reject_repeated(self) -> int:
        """Reject rows with the natural key of an earlier one; tell how many."""
        return await self._connection.execute(self._statements.repeated, ())

    async def classify(self) -> Counts:
        """Find out what becomes of each row."""
        for statement in self._statements.dangling:
            await self._connection.execute(statement, ())
        await self._connection.execute(self._statements.known, ())
        for hook in self._upload.judges:
            await hook(self._merge)
        counts = dict.fromkeys(STATUSES, 0)
        for status, count in await self._connection.fetch_all(self._statements.counts, ()):
            counts[status] = count
        return counts

    async def write(self, counts: Counts) -> None:
        """Write what is new or changed; the rest is left alone."""
        upload, statements = self._upload, self._statements
        if counts["created"]:
            await self._connection.execute(statements.numbered, await self._highest_id())
        for hook in upload.before_writes:
            await hook(self._merge)
        if counts["created"]:
            values = _values(initial_values(upload.moments))
            await self._connection.execute(statements.created, values)
        if counts["updated"] and statements.updated is not None:
            values = _values((field, field.refreshed()) for field in upload.refreshed)
            await self._connection.execute(statements.updated, values)
        for hook in upload.writtens:
            await hook(self._merge)

    async def _highest_id(self) -> Values:
        found = [await self._connection.fetch_one(one, ()) for one in self._statements.highest]
        return (max(row[0] or 0 for row in found if row is not None),) if found else ()


def _values(pairs: Iterable[tuple[Field, Any]]) -> Values:
    """Give what the driver binds for fields and their Python values."""
    return tuple(field.codec.driver_value(value) for field, value in pairs)
