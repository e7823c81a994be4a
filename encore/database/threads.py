"""Worker threads beside the event loop: short-lived ones, their priority and their switch interval.

A worker thread that waits for its next job costs every request of a busy service a few microseconds
here, so work that comes once for each new statement keeps no thread.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import get_native_id
from typing import Any, Final, TypeVar

T = TypeVar("T")

MAX_BULK_CONNECTIONS: Final = 3
"""How many connections for bulk work one process uses at a time; more bulk work waits."""

SHORT_INTERVAL_S: Final = 0.000_5
"""How long a thread keeps the interpreter while others wait for it, in seconds. Python's default of
5 ms would be added to every request that arrives while a thread prepares rows."""

_NICENESS: Final = 10
"""A ninth of the processor time that the event loop gets if both want it (sched(7))."""


async def run_in_thread(name: str, function: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a new thread of this name while the event loop goes on."""
    pool = ThreadPoolExecutor(1, thread_name_prefix=name)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
    finally:
        pool.shutdown(wait=False)


def lower_priority() -> None:
    """Lower the priority of the current thread, so that the event loop goes first.

    Four slow statements on two processors would let a quick request wait 50 ms, against 2. Only
    Linux has priorities of single threads (setpriority(2)).
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICENESS)


class ShortSwitchInterval:
    """Shortens the interpreter's switch interval while anyone in this process needs it."""

    def __init__(self) -> None:
        self._users = 0
        self._default = 0.0

    @contextmanager
    def active(self) -> Iterator[None]:
        """Use the short interval during this block."""
        if not self._users:
            self._default = sys.getswitchinterval()
            sys.setswitchinterval(SHORT_INTERVAL_S)
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                sys.setswitchinterval(self._default)


short_switch_interval: Final = ShortSwitchInterval()
