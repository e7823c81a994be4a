"""The hooks of an upload: functions of a service's own, in the order that they run."""

from collections.abc import Awaitable, Callable
from typing import Any

from encore.uploads.context import UploadContext
from encore.uploads.merge_context import MergeContext
from encore.uploads.rows import RowHook, UploadedRow

StartHook = Callable[[UploadContext], None]
MergeHook = Callable[[MergeContext], Awaitable[None]]
MessageHook = Callable[[str, Any], str]


class UploadHooks:
    """Registers hooks; each method works as a decorator."""

    def __init__(self) -> None:
        self.starts: list[StartHook] = []
        self.rows: list[RowHook] = []
        self.judges: list[MergeHook] = []
        self.before_writes: list[MergeHook] = []
        self.writtens: list[MergeHook] = []
        self.worded: MessageHook | None = None

    def start(self, hook: StartHook) -> StartHook:
        """Run before the body is read; may leave things in ``context.options``, or refuse."""
        self.starts.append(hook)
        return hook

    def row(self, hook: RowHook) -> RowHook:
        """Complete and judge each row by itself: in the worker thread, so without the database."""
        self.rows.append(hook)
        return hook

    def judge(self, hook: MergeHook) -> MergeHook:
        """Judge all rows together, once it is known which are new; reject some of them.

        It runs in dry runs too, and must change nothing but the stage.
        """
        self.judges.append(hook)
        return hook

    def before_write(self, hook: MergeHook) -> MergeHook:
        """Run in the transaction, ids being given and nothing written yet."""
        self.before_writes.append(hook)
        return hook

    def written(self, hook: MergeHook) -> MergeHook:
        """Run in the transaction, behind the writing."""
        self.writtens.append(hook)
        return hook

    def message(self, hook: MessageHook) -> MessageHook:
        """Word the answer to a single row, from its status and its record."""
        self.worded = hook
        return hook

    def each_row(self) -> RowHook:
        """Give one function that runs all hooks of a row."""
        match self.rows:
            case [only]:
                return only
            case hooks:
                return lambda row: _run_all(tuple(hooks), row)


def _run_all(hooks: tuple[RowHook, ...], row: UploadedRow) -> None:
    for hook in hooks:
        hook(row)
