"""How an import ended, in figures and in words."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from client.importing.outcome import Counts


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What became of an import.

    Args:
        source: What was imported.
        counts: Of all rows, an earlier run's that this one went on with included.
        rows: Those that this run has read and that none before it had done.
        seconds: That this run took.
        rejected_file: Where rejected rows are; None if there are none, or nowhere.
        since: The first day that was asked for.
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
        """Give it in one or two lines."""
        counts = self.counts
        figures = [f"{count} {name}" for name, count in counts._asdict().items()][:-1]
        if self.since is not None:
            figures.append(f"{counts.skipped} before {self.since}")
        begin = f"Dry run of {self.source}, nothing is written" if self.dry_run else self.source
        rate = self.rows / self.seconds if self.seconds else 0.0
        text = f"{begin}: {', '.join(figures)}; {self.seconds:.1f} s, {rate:.0f} rows/s."
        if self.rejected_file is not None:
            return f"{text}\nRejected rows are in {self.rejected_file}, each with the reason."
        if counts.rejected:
            return f"{text}\n--rejected FILE writes the rejected rows with their reasons."
        return text
