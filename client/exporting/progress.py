"""Progress of an export: a bar on a terminal, lines elsewhere, or nothing."""

import time
from typing import TYPE_CHECKING, Final, Self

from client.environment import Environment

if TYPE_CHECKING:
    import rich.progress

SECONDS_BETWEEN_LINES: Final = 10.0
_SECONDS_BETWEEN_UPDATES: Final = 0.1
_THOUSAND: Final = 1_000


class Progress:
    """Receives the progress of an export; this base class shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def advance(self, rows: int, size: int) -> None:
        """Show how many rows and bytes were received so far."""


class LineProgress(Progress):
    """Writes a line at intervals, for logs: no control characters.

    Args:
        environment: Lines are written to its stderr.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._last_line = time.monotonic()

    def advance(self, rows: int, size: int) -> None:
        """Write a line if the last one is ten seconds old."""
        if time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self._environment.echo_err(f"{describe_rows(rows)}{describe_size(size)}")


class BarProgress(Progress):
    """Draws a progress bar with rich.

    Args:
        environment: Its stderr is a terminal.
        total: How many rows there are, about; None if unknown.
    """

    def __init__(self, environment: Environment, total: int | None) -> None:
        from rich.console import Console  # noqa: PLC0415 - only on a terminal.
        from rich.progress import (  # noqa: PLC0415 - as above.
            BarColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress  # noqa: PLC0415 - as above.

        self._total = total
        self._updated = 0.0
        self._bar: rich.progress.Progress = RichProgress(
            BarColumn(),
            TextColumn("{task.fields[received]}"),
            TimeElapsedColumn(),
            *([] if total is None else [TextColumn("of about"), TimeRemainingColumn()]),
            console=Console(file=environment.stderr),
            transient=True,
            refresh_per_second=5,
        )
        self._task = self._bar.add_task("", total=total, received="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, rows: int, size: int) -> None:
        """Move the bar."""
        now = time.monotonic()
        if now - self._updated < _SECONDS_BETWEEN_UPDATES:
            return
        self._updated = now
        received = f"{describe_rows(rows)}{describe_size(size)}"
        # The total is an estimate.
        total = None if self._total is None else max(self._total, rows)
        self._bar.update(self._task, completed=rows, total=total, received=received)


def describe_rows(rows: int) -> str:
    """Return a number of rows in words, with a comma after it."""
    return f"{rows:,} row{'' if rows == 1 else 's'}, "


def describe_size(size: int) -> str:
    """Return a number of bytes in words."""
    value = float(size)
    for unit in ("bytes", "KB", "MB"):
        if value < _THOUSAND:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= _THOUSAND
    return f"{value:.1f} GB"
