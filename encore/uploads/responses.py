"""Answers to an upload: the report, the single row, and the refusal of all."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType
from starlette.types import Send

from encore.database.protocol import BulkConnection
from encore.database.statement import Row
from encore.errors import FieldError, ServiceUnavailable, ValidationFailed
from encore.uploads.request import ATOMIC, PARTIAL, UploadRequest, chunks, new_spool
from encore.uploads.staging_table import Counts
from encore.uploads.statements import UploadStatements

SHOWN_REJECTED: Final = 1_000
"""The most rejected rows that a refusal of all lists."""

SHOWN_OF_TOO_MANY: Final = 100
"""The most rejected rows that an upload lists that ended because of too many."""

NOTHING_WRITTEN: Final = "nothing is written"
"""How the messages of refused uploads end; those that had parts written end otherwise."""

_ROWS_AT_A_TIME: Final = 1_000
_JSON: Final = (b"content-type", b"application/json")
_encode: Final = msgspec.json.Encoder().encode
_decode_errors: Final = msgspec.json.Decoder(list[dict[str, str]]).decode


@dataclass(slots=True)
class UploadResponse:
    """A response, whole.

    Attributes:
        status: The HTTP status.
        body: Its bytes, or the spool that holds them.
        headers: Besides the type and the length.
    """

    status: int
    body: bytes | IO[bytes]
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def content(self) -> bytes:
        """Give the body's bytes all at once."""
        return self.body if isinstance(self.body, bytes) else b"".join(chunks(self.body))

    async def send(self, send: Send) -> None:
        """Send it, and let go of the spool."""
        try:
            size = len(self.body) if isinstance(self.body, bytes) else self.body.seek(0, 2)
            headers = [*self.headers, _JSON, (b"content-length", str(size).encode())]
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            bodies = (self.body,) if isinstance(self.body, bytes) else chunks(self.body)
            for piece in bodies:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the spool."""
        if not isinstance(self.body, bytes):
            self.body.close()


class RowsRejected(ValidationFailed):
    """400: some rows are wrong, so none was written.

    Args:
        counts: What would have become of the rows.
        rows: The rejected ones, or the first of them.
    """

    def __init__(self, counts: Counts, rows: Sequence["ReportRow"]) -> None:
        self._counts = counts
        self._rows = rows
        total = sum(counts.values())
        super().__init__(
            f"{counts['rejected']} of {total} rows rejected: {NOTHING_WRITTEN}",
            _errors_by_line(rows),
        )

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """Give the problem document, with the counts and the rejected rows behind it."""
        return {**super().problem(instance, request_id), **self._counts, "rows": self._rows}


class TooManyRejected(ValidationFailed):
    """400: so many rows are wrong that the upload ended.

    Args:
        most: How many may be.
        rows: The first of those that were rejected until then.
    """

    def __init__(self, most: int, rows: Sequence["ReportRow"]) -> None:
        self._rows = rows
        super().__init__(
            f"More than {most} rows are rejected: {NOTHING_WRITTEN}",
            _errors_by_line(rows),
        )

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """Return the problem document, with the rejected rows behind it."""
        return {**super().problem(instance, request_id), "rows": self._rows}


class ReportRow(msgspec.Struct):
    """What became of one row.

    Attributes:
        line: Where it stood in the body.
        status: One of ``STATUSES``.
        id: The stored row's; unset where there is none.
        errors: Why it is rejected.
    """

    line: int
    status: str
    id: int | UnsetType = UNSET
    errors: Raw | UnsetType = UNSET

    @classmethod
    def of(cls, row: Row) -> "ReportRow":
        """Make it of a row of the report's statement."""
        line, status, number, errors = row
        return cls(
            line,
            status,
            UNSET if number is None or errors is not None else number,
            UNSET if errors is None else Raw(errors.encode()),
        )

    def found(self) -> list[dict[str, str]]:
        """Give the errors, read."""
        return [] if self.errors is UNSET else _decode_errors(self.errors)


def _errors_by_line(rows: Iterable[ReportRow]) -> list[FieldError]:
    return [
        {"field": error["field"], "message": f"line {row.line}: {error['message']}"}
        for row in rows
        for error in row.found()
    ]


class Reporter:
    """Reads what became of an upload's rows off the stage.

    Args:
        connection: The one that has the stage.
        statements: The upload's.
    """

    def __init__(self, connection: BulkConnection, statements: UploadStatements) -> None:
        self._connection = connection
        self._statements = statements

    async def rejected(self, most: int = SHOWN_REJECTED) -> list[ReportRow]:
        """Return the rejected rows, or the first of them."""
        rows = await self._connection.fetch_all(self._statements.rejected, (0, most))
        return [ReportRow.of(row) for row in rows]

    async def report(self, request: UploadRequest, counts: Counts) -> UploadResponse:
        """Write the report of a batch to a spool.

        Raises:
            ServiceUnavailable: There is no room for it.
        """
        head = {
            **counts,
            "mode": ATOMIC if request.atomic else PARTIAL,
            "dry_run": request.dry_run,
        }
        spool = new_spool()
        try:
            write, run = spool.write, self._connection.run
            await run(write, _encode(head)[:-1] + b',"rows":[')
            between = b""
            async for rows in self._pages(rejected_only=request.rejected_only):
                await run(write, between + await run(_rows, rows))
                between = b","
            await run(write, b"]}")
        except OSError as error:
            spool.close()
            raise ServiceUnavailable(
                "There is no room for the report of this upload now", headers={"Retry-After": "60"}
            ) from error
        except BaseException:
            spool.close()
            raise
        return UploadResponse(200, spool)

    async def _pages(self, *, rejected_only: bool) -> AsyncIterator[list[Row]]:
        """Give the report's rows, some at a time."""
        statements = self._statements
        statement = statements.rejected if rejected_only else statements.report
        last = 0
        while rows := await self._connection.fetch_all(statement, (last, _ROWS_AT_A_TIME)):
            yield rows
            last = rows[-1][0]


def _rows(rows: Iterable[Row]) -> bytes:
    """Encode rows as the members of a JSON array, without its brackets."""
    return _encode([ReportRow.of(row) for row in rows])[1:-1]


def single_refused(errors: Sequence[FieldError]) -> ValidationFailed:
    """Make the refusal of an upload's one row."""
    text = ",\n".join(f"Validation error: {error['message']}" for error in errors)
    return ValidationFailed(text, errors)
