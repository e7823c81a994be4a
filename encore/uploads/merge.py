"""Merging: the steps from the rows on the stage to rows of the table, with the hooks in between."""

from encore.database.errors import NotWritten
from encore.database.statement import Values
from encore.models.fields import default_values
from encore.uploads.merge_context import MergeContext
from encore.uploads.rows_writer import RowsWriter, Step
from encore.uploads.session_writer import SessionRowsWriter
from encore.uploads.staging_table import CREATED, STATUSES, UPDATED, Counts
from encore.uploads.upload import Upload


class MergeSteps:
    """Takes the steps of one upload.

    Args:
        upload: What is uploaded, and how.
        merge: What its hooks are given.
    """

    def __init__(self, upload: Upload, merge: MergeContext) -> None:
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
        return await self.counts()

    async def write(self, counts: Counts, *, keep_going: bool, first: int = 1) -> Counts:
        """Write what is new or changed; the rest is left alone.

        Args:
            counts: What ``classify`` returned.
            first: The first line on the stage.
            keep_going: Whether rows that the database refuses are rejected, the others being
                written; else its error is raised.

        Returns:
            The counts, with the rows that the database refused among the rejected.
        """
        if counts["created"]:
            await self._connection.execute(
                self._statements.numbered, await self._number_before(first)
            )
        refused = found = await self._write(keep_going=keep_going)
        while found and self._upload.before_writes:
            refused += (found := await self._write(keep_going=keep_going))
        for hook in self._upload.writtens:
            await hook(self._merge)
        return await self.counts() if refused else counts

    async def _write(self, *, keep_going: bool) -> int:
        """Write; reject what the database refuses. Return how many rows that are.

        What hooks did for a row that is refused must be undone with it. So where there are any
        hooks, nothing is written then, and it is to be done again without those rows.
        """
        upload = self._upload
        writer = self._writer(keep_going=keep_going)
        if not upload.before_writes:
            await self._write_rows(writer)
            await writer.reject()
            return len(writer.refused)
        try:
            async with self._connection.savepoint():
                for hook in upload.before_writes:
                    await hook(self._merge)
                await self._write_rows(writer)
                writer.check()
        except NotWritten:
            if not writer.refused:
                raise
        await writer.reject()
        return len(writer.refused)

    def _writer(self, *, keep_going: bool) -> RowsWriter:
        resource = self._upload.resource
        common = (self._connection, self._statements, resource.serializer)
        writes = resource.session_writes
        if writes.behaviour.reasons("create") or writes.behaviour.reasons("update"):
            return SessionRowsWriter(*common, writes, keep_going=keep_going)
        return RowsWriter(*common, keep_going=keep_going)

    async def _write_rows(self, writer: RowsWriter) -> None:
        upload, statements = self._upload, self._statements
        moments = tuple(default_values(upload.moments))
        await writer.write(Step(CREATED, moments))
        if statements.changes:
            moments = tuple((field, field.onupdate_value()) for field in upload.refreshed)
            await writer.write(Step(UPDATED, moments))

    async def counts(self) -> Counts:
        """Count the rows on the stage by status."""
        counts = dict.fromkeys(STATUSES, 0)
        for status, count in await self._connection.fetch_all(self._statements.counts, ()):
            counts[status] = count
        return counts

    async def _number_before(self, first: int) -> Values:
        """Return what is added to a line to number its row, where the database does not."""
        found = [await self._connection.fetch_one(one, ()) for one in self._statements.highest]
        highest = (row[0] or 0 for row in found if row is not None)
        return (max(highest) - first + 1,) if found else ()
