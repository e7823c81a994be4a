"""Running what is rare in a thread that ends with it.

A worker thread that waits for its next job costs every request of a busy service a few microseconds
here, so work that comes once for each new statement keeps none.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import get_native_id
from typing import Any, Final, TypeVar

T = TypeVar("T")

_NICENESS: Final = 10
"""A ninth of the processor time that the event loop gets where both want it (sched(7))."""


async def run_in_thread(name: str, function: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a thread of this name while the event loop goes on."""
    pool = ThreadPoolExecutor(1, thread_name_prefix=name)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
    finally:
        pool.shutdown(wait=False)


def lower_priority() -> None:
    """Have this thread give way to the event loop where processors are scarce.

    Four slow statements on two processors would leave a quick request 50 ms of waiting, against 2.
    Linux alone has priorities of single threads (setpriority(2)).
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICENESS)
