"""The summary of an import, as the command prints it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from client.exit_codes import ExitCode
from client.importing.uploading.results import REPORTED, Counts


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
        would_be_refused: Whether an import would refuse the source, unlike this dry run.
    """

    source: str
    counts: Counts
    rows: int
    seconds: float
    rejected_file: Path | None = None
    since: date | None = None
    dry_run: bool = False
    would_be_refused: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """The exit code: 3 if rows were rejected, 14 if all were that were not skipped."""
        if self.would_be_refused:
            return ExitCode.CONFIGURATION
        return exit_code_of(self.counts.rejected, self.counts.imported)

    def __str__(self) -> str:
        """Return the summary in one or two lines."""
        counts = self.counts
        figures = [f"{getattr(counts, name)} {name}" for name in REPORTED]
        if counts.skipped:
            figures.append(f"{counts.skipped} skipped")
        if self.since is not None:
            figures.append(f"{counts.before_since} before {self.since}")
        prefix = f"Dry run of {self.source}, nothing is written" if self.dry_run else self.source
        rate = self.rows / self.seconds if self.seconds else 0.0
        line = f"{prefix}: {', '.join(figures)}; {self.seconds:.1f} s, {rate:.0f} rows/s."
        if self.rejected_file is not None:
            return f"{line}\nRejected rows are in {self.rejected_file}, each with the reason."
        if counts.rejected:
            return f"{line}\n--rejected FILE writes the rejected rows with their reasons."
        return line


def exit_code_of(rejected: int, imported: int) -> ExitCode:
    """Return the exit code of an import.

    Args:
        rejected: Rows that the mapping or the API rejected.
        imported: Rows that were created, updated or unchanged.
    """
    if not rejected:
        return ExitCode.OK
    return ExitCode.REJECTED if imported else ExitCode.NOTHING_IMPORTED
