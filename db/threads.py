"""Running what is rare in a thread that ends with it.

A worker thread that waits for its next job costs every request of a busy service a few microseconds
here, so work that comes once for each new statement keeps none.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


async def run_in_thread(name: str, function: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a thread of this name while the event loop goes on."""
    pool = ThreadPoolExecutor(1, thread_name_prefix=name)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
    finally:
        pool.shutdown(wait=False)
