"""How to import: what a person chooses for one run."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from client.errors import UsageError
from client.importing.records import FORMATS
from client.importing.retries import DEFAULT_ATTEMPTS

DEFAULT_BATCH_SIZE: Final = 1000
MAX_BATCH_SIZE: Final = 10_000
"""The API takes no more rows under one idempotency key."""
MAX_ATTEMPTS: Final = 1000
DEFAULT_STATE: Final = Path(".import")


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """The options of an import.

    Args:
        kind: The source's format, one of ``FORMATS``; empty: as its media type or suffix says.
        since: Rows of earlier days are passed over.
        batch_size: Rows in one request, 1 to 10,000.
        attempts: How often a request is tried, 1 to 1,000.
        dry_run: Only ask the API what it would do; nothing is kept here either.
        restart: Start over, whatever an earlier run has left.
        insecure: Send secrets over http to another machine.
        state: The directory of checkpoint, lock and rejected rows.
        job: What tells this import from others in that directory; empty: the source's name.
        rejected: The file of rejected rows; None: one in the directory, for a dry run none.

    Raises:
        UsageError: One is out of its range.
    """

    kind: str = ""
    since: date | None = None
    batch_size: int = DEFAULT_BATCH_SIZE
    attempts: int = DEFAULT_ATTEMPTS
    dry_run: bool = False
    restart: bool = False
    insecure: bool = False
    state: Path = DEFAULT_STATE
    job: str = ""
    rejected: Path | None = None

    @property
    def terms(self) -> tuple[object, ...]:
        """What decides which rows are sent, and where those go that are rejected."""
        return (self.kind, self.since, self.rejected)

    def __post_init__(self) -> None:
        """Check the ranges."""
        _check_range("The batch size", self.batch_size, MAX_BATCH_SIZE)
        _check_range("The number of attempts", self.attempts, MAX_ATTEMPTS)
        if self.kind and self.kind not in FORMATS:
            raise UsageError(f"The format must be one of {', '.join(FORMATS)}, not {self.kind!r}.")


def _check_range(what: str, number: int, last: int) -> None:
    if not 1 <= number <= last:
        raise UsageError(f"{what} must be between 1 and {last}, not {number}.")
