"""Telling a person how an import goes: a bar on a terminal, plain lines elsewhere, or nothing."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Self

from client.context import Context, printable
from client.importing.outcome import Counts

if TYPE_CHECKING:
    import rich.progress

SECONDS_BETWEEN_LINES: Final = 10.0


class Progress:
    """Is told how an import goes; this one keeps it to itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def tell(self, text: str) -> None:
        """Take a line for a person."""

    def advance(self, counts: Counts, read: int | None, size: int | None) -> None:
        """Take note of a batch that is done.

        Args:
            counts: All rows so far.
            read: Bytes of the source so far, if that is known.
            size: Bytes of the whole source, if that is known.
        """


class Lines(Progress):
    """Writes a line now and then, for logs: no control characters.

    Args:
        context: Whose stderr is written to.
        clock: Seconds, from any start, never going back.
    """

    def __init__(self, context: Context, clock: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._clock = clock
        self._told = clock()

    def tell(self, text: str) -> None:
        """Write a line."""
        self._context.say(text)

    def advance(self, counts: Counts, read: int | None, size: int | None) -> None:
        """Write a line if the last one is ten seconds old."""
        if self._clock() - self._told >= SECONDS_BETWEEN_LINES:
            self._told = self._clock()
            share = f" ({100 * read // size} %)" if read is not None and size else ""
            self.tell(f"{counts.total} rows{share}, {counts.rejected} rejected")


class Bar(Progress):
    """Draws a bar by rich.

    Args:
        context: Whose stderr is a terminal.
    """

    def __init__(self, context: Context) -> None:
        from rich.console import Console  # noqa: PLC0415 - 0.3 s that only a terminal pays for.
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        self._stream = context.stderr
        self._bar: rich.progress.Progress = RichProgress(
            TextColumn("{task.fields[rows]} rows, {task.fields[rejected]} rejected"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(file=context.stderr),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, rows=0, rejected=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, text: str) -> None:
        """Write a line above the bar."""
        self._bar.console.print(printable(text, self._stream), markup=False, highlight=False)

    def advance(self, counts: Counts, read: int | None, size: int | None) -> None:
        """Move the bar."""
        place: dict[str, Any] = {"total": size, "completed": read} if read is not None else {}
        self._bar.update(self._task, rows=counts.total, rejected=counts.rejected, **place)


def choose_progress(context: Context, *, quiet: bool) -> Progress:
    """Give what fits where the process runs."""
    if quiet:
        return Progress()
    return Bar(context) if context.stderr.isatty() else Lines(context)
