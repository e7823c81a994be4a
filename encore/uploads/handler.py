"""One run of an upload, from the body to the answer: load, merge, report."""

from typing import Any, Final

import msgspec

from encore.database.protocol import BulkConnection
from encore.errors import MalformedBody
from encore.serializers.stored_text import text_of
from encore.uploads.context import UploadContext
from encore.uploads.formats import JSON, Rows, is_array, read_json_object
from encore.uploads.idempotency import IdempotentRequest
from encore.uploads.merge import MergeSteps
from encore.uploads.merge_context import MergeContext
from encore.uploads.responses import (
    SHOWN_OF_TOO_MANY,
    Reporter,
    RowsRejected,
    TooManyRejected,
    UploadResponse,
    single_refused,
)
from encore.uploads.rows import StagedRows
from encore.uploads.spool import SpooledBody
from encore.uploads.staging_table import CREATED, Counts
from encore.uploads.upload import Upload

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
