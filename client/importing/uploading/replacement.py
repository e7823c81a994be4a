"""Uploads all rows of a period in one request, which withdraws what the source no longer has."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from client.importing.retries import is_transient
from client.importing.uploading.results import BatchResult, Counts, parse_batch_result
from client.importing.uploading.upload_requests import UploadRequests
from encore.client.errors import ApiRejectedError, ClientError, UnexpectedResponseError

_TOO_LARGE: Final = 413
_CONFLICT: Final = 409


class Rows(Protocol):
    """The rows of a replacement, as NDJSON; can be iterated again."""

    total: int

    @property
    def size(self) -> int:
        """Bytes."""

    def __iter__(self) -> Any:
        """Yield chunks of bytes."""


class Withdrawal(NamedTuple):
    """What a replacement withdraws; the numbers are None if rows are rejected."""

    withdrawn: int | None
    kept: int | None
    """Entries that the source no longer has, but that are approved or locked."""
    entries: list[Mapping[str, Any]]
    """The first withdrawn ones."""


class ReplacementResult(NamedTuple):
    """The API's report on a replacement."""

    result: BatchResult
    withdrawal: Withdrawal


class TooManyWithdrawnError(ApiRejectedError):
    """The API refuses to withdraw so many entries.

    Args:
        error: The API's error.
        withdrawal: What would be withdrawn.
    """

    def __init__(self, error: ApiRejectedError, withdrawal: Withdrawal) -> None:
        super().__init__(f"{error}\nNothing was replaced.", error.status)
        self.withdrawal = withdrawal


class ReplacementUploader(UploadRequests):
    """Uploads the rows of a period, all or none (``mode=atomic``)."""

    def upload(self, rows: Rows, period: str, key: str) -> ReplacementResult:
        """Upload the rows of a period.

        Args:
            rows: At least one.
            period: ``FIRST..LAST``.
            key: The idempotency key.

        Raises:
            TooManyWithdrawnError: Too large a part of the stored entries would be withdrawn.
            ClientError: The API rejected the request, or did not acknowledge it in any attempt.
        """
        query = {"mode": "atomic", "replace": period}
        headers = {"Content-Length": str(rows.size)}
        try:
            report = self.post(query, rows, key, headers, _should_retry)
        except ApiRejectedError as error:
            return _parse_rejection(error, rows)
        return ReplacementResult(parse_batch_result(report, rows.total), _parse_withdrawal(report))


def _should_retry(error: ClientError) -> bool:
    """Return whether the same request may succeed, also because its first attempt still runs."""
    return is_transient(error) or (error.status == _CONFLICT and bool(error.retry_after))


def _parse_rejection(error: ApiRejectedError, rows: Rows) -> ReplacementResult:
    """Return the report of an error that is about rows. Raise any other error."""
    problem = error.problem
    if error.status == _CONFLICT and "withdrawn_entries" in problem:
        raise TooManyWithdrawnError(error, _parse_withdrawal(problem)) from error
    if error.status == _TOO_LARGE:
        raise ApiRejectedError(
            f"{error}\n--replace sends all rows of its period in one request, here"
            f" {rows.total} rows of {rows.size} bytes: import a shorter period, such as with"
            " --since. Nothing was replaced.",
            error.status,
        ) from error
    rejected = problem.get("rejected")
    if not isinstance(rejected, int) or not isinstance(problem.get("rows"), list):
        raise error
    listed = [row for row in problem["rows"] if isinstance(row, dict)]
    counts = {"created": 0, "updated": 0, "unchanged": rows.total - len(listed)}
    report = {**counts, "rejected": len(listed), "rows": listed}
    result = parse_batch_result(report, rows.total)
    return ReplacementResult(
        BatchResult(Counts(rejected=rejected), result.reasons), Withdrawal(None, None, [])
    )


def _parse_withdrawal(report: Mapping[str, Any]) -> Withdrawal:
    try:
        numbers = report["withdrawn"], report["kept"]
        entries = report["withdrawn_entries"]
        if all(type(n) is int or n is None for n in numbers) and _are_objects(entries):
            return Withdrawal(*numbers, entries)
    except (TypeError, KeyError):
        pass
    raise UnexpectedResponseError(
        "The API's response does not say what it withdrew: it may be older than --replace."
    )


def _are_objects(values: Iterable[Any]) -> bool:
    return isinstance(values, list) and all(isinstance(value, dict) for value in values)
