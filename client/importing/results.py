"""Results: the API's report on a batch, counts by result, and the summary of an import."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from client.errors import UnexpectedResponseError


class Counts(NamedTuple):
    """Numbers of rows by result."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0
    """Earlier than ``since``; not sent."""

    def __add__(self, other: "Counts") -> "Counts":  # type: ignore[override] # sums, does not join
        """Return the sums."""
        return Counts(*map(sum, zip(self, other, strict=True)))

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self)


_REPORTED: Final = ("created", "updated", "unchanged", "rejected")


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
        counts = Counts(*(report[name] for name in _REPORTED))
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


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The result of an import.

    Args:
        source: The source's name.
        counts: All rows, including those of an earlier run that this one resumed.
        rows: Rows that this run has read, after those of the earlier run.
        seconds: The duration of this run.
        rejected_file: The file of rejected rows; None without any, or without a file.
        since: The first day requested.
        dry_run: Whether nothing was written.
    """

    source: str
    counts: Counts
    rows: int
    seconds: float
    rejected_file: Path | None = None
    since: date | None = None
    dry_run: bool = False

    def __str__(self) -> str:
        """Return the summary in one or two lines."""
        counts = self.counts
        figures = [f"{getattr(counts, name)} {name}" for name in _REPORTED]
        if self.since is not None:
            figures.append(f"{counts.skipped} before {self.since}")
        prefix = f"Dry run of {self.source}, nothing is written" if self.dry_run else self.source
        rate = self.rows / self.seconds if self.seconds else 0.0
        line = f"{prefix}: {', '.join(figures)}; {self.seconds:.1f} s, {rate:.0f} rows/s."
        if self.rejected_file is not None:
            return f"{line}\nRejected rows are in {self.rejected_file}, each with the reason."
        if counts.rejected:
            return f"{line}\n--rejected FILE writes the rejected rows with their reasons."
        return line
