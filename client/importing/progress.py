"""Progress of an import for people: a bar on a terminal, plain lines elsewhere, or nothing."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Self

from client.environment import Environment, printable
from client.importing.uploading.results import Counts

if TYPE_CHECKING:
    import rich.progress

SECONDS_BETWEEN_LINES: Final = 10.0


class Progress:
    """Receives the progress of an import; this base class shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def message(self, line: str) -> None:
        """Show a message."""

    def warning(self, line: str) -> None:
        """Show a message that is also shown if nothing else is."""
        self.message(line)

    def advance(self, counts: Counts, bytes_read: int | None, size: int | None) -> None:
        """Show that a batch is done.

        Args:
            counts: All rows so far.
            bytes_read: Bytes of the source so far, if known.
            size: Bytes of the whole source, if known.
        """


class QuietProgress(Progress):
    """Writes warnings only.

    Args:
        environment: Lines are written to its stderr.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def warning(self, line: str) -> None:
        """Write a line."""
        self._environment.echo_err(line)


class LineProgress(Progress):
    """Writes a line at intervals, for logs: no control characters.

    Args:
        environment: Lines are written to its stderr.
        clock: Returns seconds from an arbitrary start; monotonic.
    """

    def __init__(
        self, environment: Environment, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._last_line = clock()

    def message(self, line: str) -> None:
        """Write a line."""
        self._environment.echo_err(line)

    def advance(self, counts: Counts, bytes_read: int | None, size: int | None) -> None:
        """Write a line if the last one is ten seconds old."""
        if self._clock() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = self._clock()
            share = f" ({100 * bytes_read // size} %)" if bytes_read is not None and size else ""
            self.message(f"{counts.total} rows{share}, {counts.rejected} rejected")


class BarProgress(Progress):
    """Draws a progress bar with rich.

    Args:
        environment: Its stderr is a terminal.
    """

    def __init__(self, environment: Environment) -> None:
        from rich.console import Console  # noqa: PLC0415 - 0.3 s, only on a terminal.
        from rich.progress import (  # noqa: PLC0415 - as above.
            BarColumn,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.progress import Progress as RichProgress  # noqa: PLC0415 - as above.

        self._stream = environment.stderr
        self._bar: rich.progress.Progress = RichProgress(
            TextColumn("{task.fields[rows]} rows, {task.fields[rejected]} rejected"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(file=environment.stderr),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, rows=0, rejected=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def message(self, line: str) -> None:
        """Write a line above the bar."""
        self._bar.console.print(printable(line, self._stream), markup=False, highlight=False)

    def advance(self, counts: Counts, bytes_read: int | None, size: int | None) -> None:
        """Move the bar."""
        share: dict[str, Any] = (
            {"total": size, "completed": bytes_read} if bytes_read is not None else {}
        )
        self._bar.update(self._task, rows=counts.total, rejected=counts.rejected, **share)


def create_progress(environment: Environment, *, quiet: bool) -> Progress:
    """Return a bar on a terminal, lines elsewhere, only warnings if quiet."""
    if quiet:
        return QuietProgress(environment)
    return BarProgress(environment) if environment.stderr.isatty() else LineProgress(environment)
