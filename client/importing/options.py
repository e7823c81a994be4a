"""Options of one import run."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from client.importing.mapping.field_mapping import FORMATS
from client.importing.retries import DEFAULT_ATTEMPTS
from encore.client.errors import UsageError

DEFAULT_BATCH_SIZE: Final = 1000
MAX_BATCH_SIZE: Final = 10_000
"""The API's limit of rows under one idempotency key."""
MAX_ATTEMPTS: Final = 1000
DEFAULT_STATE: Final = Path(".import")


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """The options of an import.

    Args:
        file_format: The source's format, one of ``FORMATS``; empty: from its media type or suffix.
        since: Rows of earlier days are skipped.
        batch_size: Rows in one request, 1 to 10,000.
        attempts: How often a request is tried, 1 to 1,000.
        dry_run: Only ask the API what it would do; no state is written here either.
        restart: Do not resume an earlier run.
        insecure: Send secrets over http to another machine.
        state: The directory of checkpoint, lock and rejected rows.
        job: The name of this import's files in that directory; empty: the source's name.
        rejected: The file of rejected rows; None: one in the directory, for a dry run none.

    Raises:
        UsageError: A value is out of range.
    """

    file_format: str = ""
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
    def inputs(self) -> tuple[object, ...]:
        """The options that decide which rows are sent, and where rejected rows are written."""
        return (self.file_format, self.since, self.rejected)

    def __post_init__(self) -> None:
        """Validate the values."""
        _check_range("The batch size", self.batch_size, MAX_BATCH_SIZE)
        _check_range("The number of attempts", self.attempts, MAX_ATTEMPTS)
        if self.file_format and self.file_format not in FORMATS:
            raise UsageError(
                f"The format must be one of {', '.join(FORMATS)}, not {self.file_format!r}."
            )


def _check_range(name: str, value: int, maximum: int) -> None:
    if not 1 <= value <= maximum:
        raise UsageError(f"{name} must be between 1 and {maximum}, not {value}.")
