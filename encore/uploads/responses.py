"""The responses to an upload: the report, the single row, the errors that list rejected rows."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType
from starlette.types import Send

from encore.database.protocol import BulkConnection
from encore.database.statement import Row
from encore.errors import FieldError, ServiceUnavailable, ValidationFailed
from encore.idempotency.response import REPLAYED, StoredResponse
from encore.serializers.stored_text import text_of
from encore.uploads.hooks import MessageHook, UploadContext
from encore.uploads.parameters import ATOMIC, PARTIAL
from encore.uploads.request import UploadRequest, new_spool, spool_chunks
from encore.uploads.staging_table import CREATED, Counts
from encore.uploads.statements import UploadStatements

MAX_LISTED: Final = 1_000
"""The most rejected rows that the error of an atomic upload lists."""

MAX_LISTED_OF_TOO_MANY: Final = 100
"""The most rejected rows that the error of an upload with too many of them lists."""

NOTHING_WRITTEN: Final = "nothing is written"
"""The end of error messages; replaced where parts of the upload are written."""

_PAGE_ROWS: Final = 1_000
_JSON: Final = (b"content-type", b"application/json")
_encode: Final = msgspec.json.Encoder().encode
_decode_errors: Final = msgspec.json.Decoder(list[dict[str, str]]).decode


@dataclass(slots=True)
class UploadResponse:
    """A complete response.

    Attributes:
        status: The HTTP status.
        body: The body, in memory or in a spool.
        headers: The headers except ``Content-Type`` and ``Content-Length``.
    """

    status: int
    body: bytes | IO[bytes]
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @classmethod
    def replayed(cls, stored: StoredResponse) -> "UploadResponse":
        """Return a stored response with the header that says so."""
        return cls(stored.status, stored.body, [*stored.headers, REPLAYED])

    def read_body(self) -> bytes:
        """Return the whole body."""
        return b"".join(self._chunks())

    async def send(self, send: Send) -> None:
        """Send the response, and close the spool."""
        try:
            size = len(self.body) if isinstance(self.body, bytes) else self.body.seek(0, 2)
            headers = [*self.headers, _JSON, (b"content-length", str(size).encode())]
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            for chunk in self._chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self.close()

    def close(self) -> None:
        """Close the spool."""
        if not isinstance(self.body, bytes):
            self.body.close()

    def _chunks(self) -> Iterable[bytes]:
        return (self.body,) if isinstance(self.body, bytes) else spool_chunks(self.body)


class ReportRow(msgspec.Struct):
    """The result of one row.

    Attributes:
        line: The position of the row in the body.
        status: One of ``STATUSES``.
        id: The id of the stored row; unset if the row is rejected or not stored.
        errors: The errors of a rejected row, as JSON.
    """

    line: int
    status: str
    id: int | UnsetType = UNSET
    errors: Raw | UnsetType = UNSET

    @classmethod
    def of(cls, row: Row) -> "ReportRow":
        """Return the result from a row of the statement ``report``."""
        line, status, id_, errors = row
        return cls(
            line,
            status,
            UNSET if id_ is None or errors is not None else id_,
            UNSET if errors is None else Raw(errors.encode()),
        )

    def decode_errors(self) -> list[dict[str, str]]:
        """Return the errors of the row."""
        return [] if self.errors is UNSET else _decode_errors(self.errors)


class RowsRejected(ValidationFailed):
    """400: rows of an atomic upload are invalid, so nothing is written.

    Args:
        counts: The number of rows by status.
        rows: The first rejected rows.
    """

    def __init__(self, counts: Counts, rows: Sequence[ReportRow]) -> None:
        self._counts = counts
        self._rows = rows
        total = sum(counts.values())
        super().__init__(
            f"{counts['rejected']} of {total} rows rejected: {NOTHING_WRITTEN}",
            _errors_by_line(rows),
        )

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """Return the problem document, with the counts and the rejected rows."""
        return {**super().problem(instance, request_id), **self._counts, "rows": self._rows}


class TooManyRejected(ValidationFailed):
    """400: more rows are rejected than the upload allows.

    Args:
        limit: The most rows that may be rejected.
        rows: The first rejected rows.
    """

    def __init__(self, limit: int, rows: Sequence[ReportRow]) -> None:
        self._rows = rows
        super().__init__(
            f"More than {limit} rows are rejected: {NOTHING_WRITTEN}", _errors_by_line(rows)
        )

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """Return the problem document, with the rejected rows."""
        return {**super().problem(instance, request_id), "rows": self._rows}


def _errors_by_line(rows: Iterable[ReportRow]) -> list[FieldError]:
    return [
        {"field": error["field"], "message": f"line {row.line}: {error['message']}"}
        for row in rows
        for error in row.decode_errors()
    ]


def single_row_rejected(errors: Sequence[FieldError]) -> ValidationFailed:
    """Return the error of an upload of one JSON object."""
    message = ",\n".join(f"Validation error: {error['message']}" for error in errors)
    return ValidationFailed(message, errors)


class Reporter:
    """Reads the results of an upload's rows from the staging table.

    Args:
        connection: The connection that has the staging table.
        statements: The statements of the upload.
    """

    def __init__(self, connection: BulkConnection, statements: UploadStatements) -> None:
        self._connection = connection
        self._statements = statements

    async def rejected_rows(self, limit: int = MAX_LISTED) -> list[ReportRow]:
        """Return the first rejected rows."""
        rows = await self._connection.fetch_all(self._statements.report_rejected, (0, limit))
        return [ReportRow.of(row) for row in rows]

    async def single_row(
        self, context: UploadContext, counts: Counts, message_hook: MessageHook | None
    ) -> UploadResponse:
        """Return the response to one JSON object: the stored row, as other actions return it."""
        status = next(name for name, count in counts.items() if count)
        resource, connection = context.resource, self._connection
        ((_, _, id_, _),) = await connection.fetch_all(self._statements.report, (0, 1))
        rows = await connection.fetch_all(resource.statements.stored(), (id_,))
        records = resource.serializer.read_rows(rows)
        if resource.serializer.children and resource.options.reload_instances:
            await resource.relation_loader.embed(connection, rows, records)
        body: dict[str, Any] = msgspec.to_builtins(records[0], enc_hook=text_of)
        if message_hook is not None:
            body["message"] = message_hook(status, records[0])
        response = UploadResponse(200, _encode(body))
        if status == CREATED:
            response.status = 201
            location = resource.location(records[0])
            if location is not None:
                response.headers.append((b"location", context.request.root + location))
        return response

    async def report(
        self, request: UploadRequest, counts: Counts, members: Mapping[str, Any]
    ) -> UploadResponse:
        """Return the report of an upload, in a spool.

        Args:
            request: The parameters of the upload.
            counts: The number of rows by status.
            members: The members that hooks add to the report.

        Raises:
            ServiceUnavailable: The report does not fit on the disk.
        """
        head = {
            **counts,
            "mode": ATOMIC if request.atomic else PARTIAL,
            "dry_run": request.dry_run,
            **members,
        }
        spool = new_spool()
        try:
            write, run = spool.write, self._connection.run
            await run(write, _encode(head)[:-1] + b',"rows":[')
            separator = b""
            async for rows in self._pages(rejected_only=request.rejected_only):
                await run(write, separator + await run(_encode_rows, rows))
                separator = b","
            await run(write, b"]}")
        except OSError as error:
            spool.close()
            raise ServiceUnavailable(
                "There is no space for the report of this upload now", headers={"Retry-After": "60"}
            ) from error
        except BaseException:
            spool.close()
            raise
        return UploadResponse(200, spool)

    async def _pages(self, *, rejected_only: bool) -> AsyncIterator[list[Row]]:
        """Iterate over the rows of the report, page by page."""
        statements = self._statements
        statement = statements.report_rejected if rejected_only else statements.report
        last = 0
        while rows := await self._connection.fetch_all(statement, (last, _PAGE_ROWS)):
            yield rows
            last = rows[-1][0]


def _encode_rows(rows: Iterable[Row]) -> bytes:
    """Return rows as the members of a JSON array, without its brackets."""
    return _encode([ReportRow.of(row) for row in rows])[1:-1]
