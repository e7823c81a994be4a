"""The summary of an import, as the command prints it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from client.exit_codes import ExitCode
from client.importing.uploading.results import REPORTED, Counts


class Replacement(NamedTuple):
    """What an import with ``--replace`` has withdrawn; without a period nothing."""

    first: date | None = None
    last: date | None = None
    withdrawn: int | None = None
    """None if rows were rejected, so that nothing is withdrawn."""
    kept: int | None = None
    """Entries that the source no longer has, but that are approved or locked."""


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
        replacement: The result of ``--replace``; None for other imports.
        would_be_refused: Whether an import would refuse the source, unlike this dry run.
    """

    source: str
    counts: Counts
    rows: int
    seconds: float
    rejected_file: Path | None = None
    since: date | None = None
    dry_run: bool = False
    replacement: Replacement | None = None
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
        figures += self._replacement_figures()
        prefix = f"Dry run of {self.source}, nothing is written" if self.dry_run else self.source
        rate = self.rows / self.seconds if self.seconds else 0.0
        line = f"{prefix}: {', '.join(figures)}; {self.seconds:.1f} s, {rate:.0f} rows/s."
        if self.replacement is not None and counts.rejected:
            verb = "would be" if self.dry_run else "was"
            rows = "1 row" if counts.rejected == 1 else f"{counts.rejected} rows"
            line = f"{line}\nNothing {verb} replaced: {rows} rejected."
        if self.rejected_file is not None:
            return f"{line}\nRejected rows are in {self.rejected_file}, each with the reason."
        if counts.rejected:
            return f"{line}\n--rejected FILE writes the rejected rows with their reasons."
        return line

    def _replacement_figures(self) -> list[str]:
        replacement = self.replacement
        if replacement is None or replacement.withdrawn is None:
            return []
        period = f"from {replacement.first} to {replacement.last}"
        figures = [f"{replacement.withdrawn} withdrawn {period}"]
        if replacement.kept:
            figures.append(f"{replacement.kept} kept, as they are approved or locked")
        return figures


def exit_code_of(rejected: int, imported: int) -> ExitCode:
    """Return the exit code of an import.

    Args:
        rejected: Rows that the mapping or the API rejected.
        imported: Rows that were created, updated or unchanged.
    """
    if not rejected:
        return ExitCode.OK
    return ExitCode.REJECTED if imported else ExitCode.NOTHING_IMPORTED
