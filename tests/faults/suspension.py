"""Cancelling a coroutine at a chosen suspension, as a vanished client or a time limit does."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class Countdown:
    """Which suspension to cancel at.

    Args:
        at: The number of the suspension, from 0.
        late: Whether to cancel only once what is waited for is done, before the coroutine knows.

    Attributes:
        met: Whether the coroutine came that far.
    """

    def __init__(self, at: int, *, late: bool) -> None:
        self.at = at
        self.late = late
        self.met = False

    @types.coroutine
    def run(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Run the work in the current task, which is cancelled at that suspension."""
        task = asyncio.current_task()
        assert task is not None
        number = 0
        try:
            waiting = work.send(None)
            while True:
                if number == self.at:
                    self.met = True
                    self._cancel(task, waiting)
                number += 1
                try:
                    yield waiting
                except BaseException as error:  # noqa: BLE001 - the work decides
                    waiting = work.throw(error)
                else:
                    waiting = work.send(None)
        except StopIteration as end:
            result: T = end.value
            return result

    def _cancel(self, task: "asyncio.Task[Any]", waiting: Any) -> None:
        if self.late and waiting is not None:
            waiting.add_done_callback(lambda _: task.cancel())
        else:
            asyncio.get_running_loop().call_soon(task.cancel)
