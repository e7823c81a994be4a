"""The merge of an upload: the steps from the staging table to the table of the model.

Duplicates are rejected, rows are matched to stored rows and compared, hooks validate, and the rows
are written. ``handler`` runs the steps, with the transactions around them.
"""

from typing import TYPE_CHECKING

from encore.database.errors import NotWritten
from encore.database.statement import Values
from encore.models.fields import default_values
from encore.uploads.hooks import MergeContext
from encore.uploads.staging_table import CREATED, RENAMED, STATUSES, UPDATED, Counts
from encore.uploads.statements import UploadStatements
from encore.uploads.upload import Upload
from encore.uploads.writers import RowsWriter, SessionRowsWriter, WriteStep

if TYPE_CHECKING:
    from encore.uploads.rename_statements import RenameStatements


class MergeSteps:
    """The steps from the staging table to the table of the model, with the hooks between them.

    Args:
        upload: The upload's options.
        statements: The statements of the key that rows are matched by.
        merge: What hooks receive.
    """

    def __init__(self, upload: Upload, statements: UploadStatements, merge: MergeContext) -> None:
        self._upload = upload
        self._merge = merge
        self._connection = merge.connection
        self._statements = statements
        self._highest_given = 0
        self._renames: RenameStatements | None = None

    async def find_chosen_keys(self, *, has_previous: bool) -> None:
        """Find out which ids rows bring along, and remove previous keys that are keys of others.

        It concerns the upload as a whole, also if it is written in parts.

        Args:
            has_previous: Whether any row has a previous key.
        """
        if self._statements.highest_given is not None:
            row = await self._connection.fetch_one(self._statements.highest_given, ())
            self._highest_given = (row[0] or 0) if row is not None else 0
        renames = self._statements.matching.renames
        if renames is not None and has_previous:
            await self._connection.execute(renames.forget_claimed, ())
            self._renames = renames

    async def reject_duplicates(self) -> int:
        """Reject rows with the natural key of an earlier row; return their number."""
        return await self._connection.execute(self._statements.matching.reject_duplicates, ())

    async def classify_rows(self) -> Counts:
        """Set the status of each row; return the counts."""
        for statement in self._statements.reject_dangling:
            await self._connection.execute(statement, ())
        await self._match_rows()
        if self._statements.reject_unassignable is not None:
            await self._connection.execute(self._statements.reject_unassignable, ())
        for hook in self._upload.merge_hooks:
            await hook(self._merge)
        return await self.count_rows()

    async def _match_rows(self) -> None:
        """Match rows to stored rows by the natural key, or the previous one, and compare them.

        One statement does both for most rows. Hooks see the rows that differ, and those are
        compared again: to match all first and compare all then takes half as long again.
        """
        merge, hooks, renames = self._merge, self._upload.before_compare_hooks, self._renames
        matching, execute = self._statements.matching, self._connection.execute
        matched = await execute(matching.match_and_compare, ())
        if renames is not None:
            await execute(renames.forget_matched, ())
            if renamed := await execute(renames.match_previous, ()):
                await execute(matching.compare_again, ())
                matched += renamed
            await execute(renames.forget_unmatched, ())
        if not hooks:
            return
        changed = matched and await self._connection.fetch_one(matching.has_changes, ())
        merge.has_changes = bool(changed)
        for hook in hooks:
            await hook(merge)
        if merge.has_changes:
            await execute(matching.compare_again, ())

    async def write_rows(self, counts: Counts, *, keep_going: bool, first: int = 1) -> Counts:
        """Write the rows that are created or updated.

        Args:
            counts: The counts that ``classify_rows`` returned.
            first: The first line in the staging table.
            keep_going: Whether rows that the database rejects are skipped; otherwise its error is
                raised.

        Returns:
            The counts, which include the rows that the database rejected.
        """
        if counts[CREATED]:
            if self._highest_given and self._statements.advance is not None:
                await self._connection.fetch_all(self._statements.advance, (self._highest_given,))
            await self._connection.execute(
                self._statements.assign_ids, await self._id_offset(first)
            )
        rejected = found = await self._try_write(keep_going=keep_going)
        while found and self._upload.before_write_hooks:
            rejected += (found := await self._try_write(keep_going=keep_going))
        for hook in self._upload.after_write_hooks:
            await hook(self._merge)
        return await self.count_rows() if rejected else counts

    async def _try_write(self, *, keep_going: bool) -> int:
        """Write the rows; return the number of those that the database rejects.

        What ``before_write`` hooks did for a rejected row must be undone with it. So with such
        hooks nothing is written then, and the caller retries without those rows.
        """
        hooks = self._upload.before_write_hooks
        writer = self._writer(keep_going=keep_going)
        if not hooks:
            await self._write_steps(writer)
            await writer.stage_rejected()
            return len(writer.rejected)
        try:
            async with self._connection.savepoint():
                for hook in hooks:
                    await hook(self._merge)
                await self._write_steps(writer)
                writer.check_rejected()
        except NotWritten:
            if not writer.rejected:
                raise
        await writer.stage_rejected()
        return len(writer.rejected)

    def _writer(self, *, keep_going: bool) -> RowsWriter:
        resource = self._upload.resource
        arguments = (self._connection, self._statements, resource.serializer)
        writes = resource.session_writes
        if writes.behaviour.reasons("create") or writes.behaviour.reasons("update"):
            return SessionRowsWriter(*arguments, writes, keep_going=keep_going)
        return RowsWriter(*arguments, keep_going=keep_going)

    async def _write_steps(self, writer: RowsWriter) -> None:
        upload = self._upload
        timestamps = tuple(default_values(upload.created_timestamps))
        await writer.write_rows(WriteStep(CREATED, timestamps))
        if self._statements.may_update:
            timestamps = tuple((f, f.onupdate_value()) for f in upload.updated_timestamps)
            await writer.write_rows(WriteStep(UPDATED, timestamps))
            if self._renames is not None:
                await writer.write_rows(WriteStep(RENAMED, timestamps))

    async def count_rows(self) -> Counts:
        """Return the number of rows in the staging table by status."""
        counts = dict.fromkeys(STATUSES, 0)
        for status, count in await self._connection.fetch_all(self._statements.counts, ()):
            counts[status] = count
        return counts

    async def _id_offset(self, first: int) -> Values:
        """Return what is added to a row's line for its id, for databases without sequences."""
        fetch = self._connection.fetch_one
        found = [await fetch(statement, ()) for statement in self._statements.highest_ids]
        highest = (row[0] or 0 for row in found if row is not None)
        return (max(self._highest_given, *highest) - first + 1,) if found else ()
