"""One upload, from the body to the response: load the rows, merge them, report."""

from typing import Any, Final

import msgspec

from encore.database.errors import NotWritten
from encore.database.protocol import BulkConnection
from encore.database.statement import Values
from encore.errors import MalformedBody
from encore.models.fields import default_values
from encore.serializers.stored_text import text_of
from encore.uploads.formats import JSON, Rows, is_array, read_json_object
from encore.uploads.hooks import MergeContext, UploadContext
from encore.uploads.idempotency import IdempotentRequest
from encore.uploads.request import SpooledBody
from encore.uploads.responses import (
    SHOWN_OF_TOO_MANY,
    Reporter,
    RowsRejected,
    TooManyRejected,
    UploadResponse,
    single_refused,
)
from encore.uploads.rows import StagedRows
from encore.uploads.staging_table import CREATED, STATUSES, UPDATED, Counts
from encore.uploads.upload import Upload
from encore.uploads.writers import RowsWriter, SessionRowsWriter, Step


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


MAX_KEYED_ROWS: Final = 10_000
"""The most rows of an upload with an idempotency key: its whole answer is kept."""


class UploadHandler:
    """One upload under way.

    Args:
        upload: What is uploaded, and how.
        context: What its hooks share.
        bulk: Has the stage's table.
        body: Received, whole.
        ticket: The idempotency key, if it counts.
    """

    def __init__(
        self,
        upload: Upload,
        context: UploadContext,
        bulk: BulkConnection,
        body: SpooledBody,
        ticket: IdempotentRequest | None,
    ) -> None:
        self._upload = upload
        self._context = context
        self._request = context.request
        self._bulk = bulk
        self._body = body
        self._ticket = ticket
        merge = MergeContext(context, bulk, upload.stage, upload.statements, upload.dialect)
        self._merging = MergeSteps(upload, merge)
        self._reporter = Reporter(bulk, upload.statements)
        self._is_single = False
        self._answer: UploadResponse | None = None

    def close(self) -> None:
        """Let go of an answer that will not be sent."""
        if self._answer is not None:
            self._answer.close()

    async def answer(self) -> UploadResponse:
        """Do it all.

        Raises:
            MalformedBody: The body cannot be read as a whole.
            ValidationFailed: The one row is wrong; or some row is, and all must be right; or
                more rows are than may be.
        """
        request = self._request
        rows = await self._load()
        rejected = rows.rejected
        async with self._bulk.transaction():
            rejected += await self._merging.reject_repeated()
            await self._check_rejected(rejected)
        if self._is_divided(rows.total):
            return await self._in_parts(rejected)
        writes = not (request.dry_run or (request.atomic and rejected))
        async with self._bulk.transaction(self._upload.table if writes else None):
            answer = await self._answer_again()
            if answer is not None:
                return answer
            counts = await self._merging.classify()
            await self._check_rejected(counts["rejected"])
            if not request.dry_run:
                await self._refuse(counts)
                counts = await self._merging.write(counts, keep_going=not self._is_single)
                await self._refuse(counts)
                await self._check_rejected(counts["rejected"])
            if self._is_single:
                answer = await self._single(counts)
            if self._ticket is not None:
                answer = answer or await self._reporter.report(request, counts)
                self._answer = answer
                await self._keep(self._ticket, answer)
        if writes:
            self._context.written = "the rows are written, only the report failed"
        self._answer = answer or await self._reporter.report(request, counts)
        return self._answer

    def _is_divided(self, rows: int) -> bool:
        """Return whether the rows are written in parts; a key's whole answer is kept with them."""
        most, request = self._upload.parts.rows, self._request
        divisible = not (request.atomic or request.dry_run or self._is_single or self._ticket)
        return divisible and most is not None and rows > most

    async def _in_parts(self, rejected: int) -> UploadResponse:
        """Write the rows part by part; others get their turn between two parts."""
        upload, merge_steps = self._upload, self._merging
        async with upload.parts.each(self._bulk) as parts:
            async for first, last in parts:
                async with self._bulk.transaction(upload.table):
                    counts = await merge_steps.classify()
                    await self._check_rejected(rejected + counts["rejected"])
                    counts = await merge_steps.write(counts, keep_going=True, first=first)
                    await self._check_rejected(rejected := rejected + counts["rejected"])
                self._context.written = f"the rows up to line {last} are written"
        self._answer = await self._reporter.report(self._request, await merge_steps.counts())
        return self._answer

    async def _load(self) -> StagedRows:
        """Load the rows into the stage; return what passed."""
        upload = self._upload
        rows = await self._bulk.run(self._open)
        staged = StagedRows(
            upload.maker,
            self._context,
            upload.each_row(),
            most=None if self._ticket is None else MAX_KEYED_ROWS,
            strict=self._is_single,
            max_rejected=upload.max_rejected,
        )
        await self._bulk.load(upload.stage.table, staged.batches(rows))
        return staged

    def _open(self) -> Rows:
        file, request = self._body.file, self._request
        if request.format is not JSON or is_array(file):
            return request.format.read(file, self._upload.names)
        body = read_json_object(file)
        if not isinstance(body, dict):
            raise MalformedBody("The body must be a JSON object, or an array of them")
        self._is_single = not request.dry_run
        return iter([(1, body)])

    async def _answer_again(self) -> UploadResponse | None:
        """Give the answer of the same request, if that came in between."""
        if self._ticket is None or self._upload.keys is None:
            return None
        return await self._upload.keys.find(self._bulk, self._ticket)

    async def _keep(self, ticket: IdempotentRequest, answer: UploadResponse) -> None:
        if self._upload.keys is not None:
            await self._upload.keys.keep(self._bulk, ticket, answer)

    async def _check_rejected(self, count: int) -> None:
        """End the upload if more rows are rejected than may be."""
        most = self._upload.max_rejected
        if count > most:
            raise TooManyRejected(most, await self._reporter.rejected(SHOWN_OF_TOO_MANY))

    async def _refuse(self, counts: Counts) -> None:
        """Refuse all, if one row is wrong and all must be right."""
        if not counts["rejected"] or not (self._request.atomic or self._is_single):
            return
        rows = await self._reporter.rejected()
        if self._is_single:
            raise single_refused(rows[0].found())
        raise RowsRejected(counts, rows)

    async def _single(self, counts: Counts) -> UploadResponse:
        """Answer with the stored row, as the resource shows it."""
        status = next(name for name, count in counts.items() if count)
        resource, statements, bulk = self._context.resource, self._upload.statements, self._bulk
        staged = await bulk.fetch_one(statements.report, (0, 1))
        assert staged is not None  # noqa: S101 - it was loaded
        rows = await bulk.fetch_all(resource.statements.stored(), (staged[2],))
        records = resource.serializer.read_rows(rows)
        if resource.serializer.children and resource.options.reload_instances:
            await resource.relation_loader.embed(bulk, rows, records)
        shown: dict[str, Any] = msgspec.to_builtins(records[0], enc_hook=text_of)
        if self._upload.worded is not None:
            shown["message"] = self._upload.worded(status, records[0])
        answer = UploadResponse(200, msgspec.json.encode(shown))
        if status == CREATED:
            answer.status = 201
            location = resource.location(records[0])
            if location is not None:
                answer.headers.append((b"location", self._context.request.root + location))
        return answer
