"""Cancels a coroutine at a chosen await, as a disconnect or a time limit does."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class CancelAt:
    """Cancels a coroutine at one of its suspensions.

    Args:
        index: The index of the suspension, from 0.
        late: Whether to cancel once the awaited future is done, before the coroutine resumes.

    Attributes:
        reached: Whether the coroutine reached that suspension.
    """

    def __init__(self, index: int, *, late: bool) -> None:
        self.index = index
        self.late = late
        self.reached = False

    @types.coroutine
    def run(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Run the coroutine in the current task, which is cancelled at that suspension."""
        task = asyncio.current_task()
        assert task is not None
        number = 0
        try:
            waiting = work.send(None)
            while True:
                if number == self.index:
                    self.reached = True
                    self._cancel(task, waiting)
                number += 1
                try:
                    yield waiting
                except BaseException as error:  # noqa: BLE001 - the coroutine handles it
                    waiting = work.throw(error)
                else:
                    waiting = work.send(None)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _cancel(self, task: "asyncio.Task[Any]", waiting: Any) -> None:
        if self.late and waiting is not None:
            waiting.add_done_callback(lambda _: task.cancel())
        else:
            asyncio.get_running_loop().call_soon(task.cancel)
