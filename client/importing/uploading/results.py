"""The API's report on a batch, and counts of rows by result."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from encore.client.errors import UnexpectedResponseError


class Counts(NamedTuple):
    """Numbers of rows by result."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0
    """Skipped by the mapping; not sent."""
    before_since: int = 0
    """Earlier than ``since``; not sent."""

    def __add__(self, other: "Counts") -> "Counts":  # type: ignore[override] # sums, does not join
        """Return the sums."""
        return Counts(*map(sum, zip(self, other, strict=True)))

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self)

    @property
    def imported(self) -> int:
        """Rows that are in the API now."""
        return self.created + self.updated + self.unchanged


REPORTED: Final = ("created", "updated", "unchanged", "rejected")


class BatchResult(NamedTuple):
    """The API's report on a batch."""

    counts: Counts
    reasons: Mapping[int, str]
    """Why a line of the body, from 1, was rejected."""


def parse_batch_result(report: Any, sent: int) -> BatchResult:
    """Validate the API's report on a batch.

    Args:
        report: ``{"created", "updated", "unchanged", "rejected", "rows": [{"line", "status",
            "errors": [{"field", "message"}]}]}``, with at least the rejected rows listed.
        sent: Rows in the batch.

    Raises:
        UnexpectedResponseError: It is not such a report, or not on this batch.
    """
    try:
        counts = Counts(*(report[name] for name in REPORTED))
        reasons = {
            row["line"]: "; ".join(error["message"] for error in row["errors"])
            for row in report["rows"]
            if row["status"] == "rejected"
        }
        valid = all(type(count) is int and count >= 0 for count in counts)
        complete = counts.total == sent and len(reasons) == counts.rejected
        if valid and complete and all(1 <= line <= sent for line in reasons):
            return BatchResult(counts, reasons)
    except (TypeError, KeyError):
        pass
    raise UnexpectedResponseError(
        f"The API's response to a batch of {sent} rows is not a report on them."
    )
