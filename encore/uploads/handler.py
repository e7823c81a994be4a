"""One upload, from the body to the response: load the rows, merge them, report.

``rows`` validates the rows, ``statements`` and ``writers`` merge them, ``responses`` reports.
"""

from typing import Final

from encore.database.protocol import BulkConnection
from encore.errors import MalformedBody
from encore.idempotency.fingerprint import IdempotentRequest
from encore.idempotency.response import StoredResponse
from encore.uploads.formats import JSON, Rows, is_array, read_json_object
from encore.uploads.hooks import MergeContext, UploadContext
from encore.uploads.merge_steps import MergeSteps
from encore.uploads.request import SpooledBody
from encore.uploads.responses import (
    MAX_LISTED_OF_TOO_MANY,
    Reporter,
    RowsRejected,
    TooManyRejected,
    UploadResponse,
    single_row_rejected,
)
from encore.uploads.rows import RowLoader
from encore.uploads.staging_table import Counts
from encore.uploads.upload import Upload

MAX_ROWS_WITH_KEY: Final = 10_000
"""The most rows of an upload with an idempotency key, if its response lists them: it is stored."""


class UploadHandler:
    """Handles one upload whose body has been received.

    Args:
        upload: The upload's options.
        context: The context of its hooks.
        bulk: A connection that has the staging table.
        body: The body.
        idempotent: The idempotency key and the fingerprint of the request, if it has a key.
    """

    def __init__(
        self,
        upload: Upload,
        context: UploadContext,
        bulk: BulkConnection,
        body: SpooledBody,
        idempotent: IdempotentRequest | None,
    ) -> None:
        self._upload = upload
        self._context = context
        self._request = context.request
        self._bulk = bulk
        self._body = body
        self._idempotent = idempotent
        merge = MergeContext(context, bulk, upload.staging, upload.dialect)
        self._key = upload.key_of(context.request)
        self._steps = MergeSteps(upload, self._key.statements, merge)
        self._reporter = Reporter(bulk, self._key.statements)
        self._is_single = False
        self._response: UploadResponse | None = None

    def close(self) -> None:
        """Close the response, if it will not be sent."""
        if self._response is not None:
            self._response.close()

    async def handle(self) -> UploadResponse:
        """Load, merge and report the rows.

        Raises:
            MalformedBody: The body as a whole is invalid.
            ValidationFailed: The only row is invalid; or a row of an atomic upload is; or more
                rows are rejected than ``max_rejected``.
        """
        request, steps = self._request, self._steps
        loader = await self._load_rows()
        rejected = loader.rejected
        async with self._bulk.transaction():
            rejected += await steps.reject_duplicates()
            await steps.find_chosen_keys(has_previous=loader.has_previous)
            await self._check_max_rejected(rejected)
        if self._is_split(loader.total):
            return await self._handle_parts(rejected)
        writes = not (request.dry_run or (request.atomic and rejected))
        async with self._bulk.transaction(self._upload.table if writes else None):
            if response := await self._stored_response():
                return response
            counts = await steps.classify_rows()
            await self._check_max_rejected(counts["rejected"])
            if not request.dry_run:
                await self._check_atomic(counts)
                counts = await steps.write_rows(counts, keep_going=not self._is_single)
                await self._check_atomic(counts)
                await self._check_max_rejected(counts["rejected"])
            if self._is_single:
                response = await self._reporter.single_row(
                    self._context, counts, self._upload.message_hook
                )
            if self._idempotent is not None:
                response = response or await self._reporter.report(
                    request, counts, self._context.report
                )
                self._response = response
                await self._store_response(self._idempotent, response)
        if writes:
            self._context.committed = "the rows are written, only the report failed"
        self._response = response or await self._reporter.report(
            request, counts, self._context.report
        )
        return self._response

    def _is_split(self, rows: int) -> bool:
        """Return whether the upload is written in parts; never if its response is stored."""
        part_rows, request = self._upload.parts.rows, self._request
        may_split = not (request.atomic or request.dry_run or self._is_single or self._idempotent)
        return may_split and part_rows is not None and rows > part_rows

    async def _handle_parts(self, rejected: int) -> UploadResponse:
        """Write the rows part by part; other writers get their turn between two parts."""
        upload, steps = self._upload, self._steps
        async with upload.parts.split(self._bulk) as parts:
            async for first, last in parts:
                async with self._bulk.transaction(upload.table):
                    counts = await steps.classify_rows()
                    await self._check_max_rejected(rejected + counts["rejected"])
                    counts = await steps.write_rows(counts, keep_going=True, first=first)
                    await self._check_max_rejected(rejected := rejected + counts["rejected"])
                self._context.committed = f"the rows up to line {last} are written"
        self._response = await self._reporter.report(
            self._request, await steps.count_rows(), self._context.report
        )
        return self._response

    async def _load_rows(self) -> RowLoader:
        """Load the rows into the staging table."""
        upload = self._upload
        rows = await self._bulk.run(self._open_rows)
        loader = RowLoader(
            self._key.row_maker,
            self._context,
            upload.combined_row_hook(),
            max_rows=self._max_rows(),
            strict=self._is_single,
            max_rejected=upload.max_rejected,
        )
        await self._bulk.load(upload.staging.table, loader.batches(rows))
        return loader

    def _max_rows(self) -> int | None:
        """Return the most rows of this upload; None for any number.

        The response to an atomic upload whose report lists rejected rows only does not grow with
        its rows: it has none if any is written.
        """
        request = self._request
        is_small = request.atomic and request.rejected_only
        return None if self._idempotent is None or is_small else MAX_ROWS_WITH_KEY

    def _open_rows(self) -> Rows:
        file, request = self._body.file, self._request
        if request.format is not JSON or is_array(file):
            return request.format.read(file, self._upload.column_names)
        body = read_json_object(file)
        if not isinstance(body, dict):
            raise MalformedBody("The body must be a JSON object, or an array of them")
        self._context.is_single = True
        self._is_single = not request.dry_run
        return iter([(1, body)])

    async def _stored_response(self) -> UploadResponse | None:
        """Return the response of the same request, if it was handled in the meantime."""
        keys = self._upload.idempotency_keys
        if self._idempotent is None or keys is None:
            return None
        stored = await keys.find(self._bulk, self._idempotent)
        return None if stored is None else UploadResponse.replayed(stored)

    async def _store_response(
        self, idempotent: IdempotentRequest, response: UploadResponse
    ) -> None:
        if self._upload.idempotency_keys is not None:
            stored = StoredResponse(response.status, response.headers, response.read_body())
            await self._upload.idempotency_keys.store(self._bulk, idempotent, stored)

    async def _check_max_rejected(self, count: int) -> None:
        """Raise ``TooManyRejected`` if more rows are rejected than ``max_rejected``."""
        limit = self._upload.max_rejected
        if count > limit:
            rows = await self._reporter.rejected_rows(MAX_LISTED_OF_TOO_MANY)
            raise TooManyRejected(limit, rows)

    async def _check_atomic(self, counts: Counts) -> None:
        """Raise ``ValidationFailed`` if a row is rejected and all must be valid."""
        if not counts["rejected"] or not (self._request.atomic or self._is_single):
            return
        rows = await self._reporter.rejected_rows()
        if self._is_single:
            raise single_row_rejected(rows[0].decode_errors())
        raise RowsRejected(counts, rows)
