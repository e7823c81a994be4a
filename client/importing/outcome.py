"""What became of rows: counted, and as the API reports it for a batch."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from client.errors import UnexpectedAnswerError


class Counts(NamedTuple):
    """Rows by what became of them."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0
    """Earlier than ``since``; not sent."""

    def __add__(self, other: "Counts") -> "Counts":  # type: ignore[override]
        """Give the sums."""
        return Counts(*map(sum, zip(self, other, strict=True)))

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self)


_SENT: Final = ("created", "updated", "unchanged", "rejected")


class Outcome(NamedTuple):
    """What the API did with a batch."""

    counts: Counts
    reasons: Mapping[int, str]
    """Why a line of the body, from 1, was rejected."""


def read_outcome(answer: Any, sent: int) -> Outcome:
    """Read the API's report on a batch.

    Args:
        answer: ``{"created", "updated", "unchanged", "rejected", "rows": [{"line", "status",
            "errors": [{"field", "message"}]}]}``, where at least the rejected rows are listed.
        sent: Rows in the batch.

    Raises:
        UnexpectedAnswerError: It is no such report, or not on this batch.
    """
    try:
        counts = Counts(*(answer[name] for name in _SENT))
        reasons = {
            row["line"]: "; ".join(error["message"] for error in row["errors"])
            for row in answer["rows"]
            if row["status"] == "rejected"
        }
        known = all(type(number) is int and number >= 0 for number in counts)
        complete = counts.total == sent and len(reasons) == counts.rejected
        if known and complete and all(1 <= line <= sent for line in reasons):
            return Outcome(counts, reasons)
    except (TypeError, KeyError):
        pass
    raise UnexpectedAnswerError(
        f"The API answered a batch of {sent} rows with something that is no report on them."
    )
