"""The write lock of a process: one request at a time, in order of arrival, with a time limit.

Like ``asyncio.Lock``, but a request waits only until its deadline. All wait equally long, so
deadlines are in the order of the queue and one timer serves them all: a timeout for each would cost
every request that waits for a commit a few microseconds.
"""

import asyncio
from collections import deque
from time import monotonic
from typing import Final

from encore.database.errors import DatabaseUnavailable

BUSY: Final = "SQLITE_BUSY"


class WriteLock:
    """A lock with a queue; its holder releases it."""

    def __init__(self) -> None:
        self._taken = False
        self._queue: deque[tuple[float | None, asyncio.Future[None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self, deadline: float | None = None) -> None:
        """Acquire the lock, waiting for it.

        Args:
            deadline: When to give up (``time.monotonic``); not earlier than the deadline of a
                request in the queue. None to wait without a limit.

        Raises:
            DatabaseUnavailable: The deadline has passed.
        """
        if not self._taken:
            self._taken = True
            return
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((deadline, ready))
        if self._timer is None:
            self._watch(deadline)
        try:
            await ready
        except asyncio.CancelledError:
            if ready.done() and not ready.cancelled():
                self.release()  # It was acquired at the same time.
            raise

    def release(self) -> None:
        """Release the lock to the first request in the queue."""
        while self._queue:
            _, ready = self._queue.popleft()
            if not ready.done():
                ready.set_result(None)
                return
        self._taken = False

    async def __aenter__(self) -> None:
        """Acquire the lock, without a limit of time."""
        await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        """Release the lock."""
        self.release()

    def _watch(self, deadline: float | None) -> None:
        """Check the queue at this time."""
        if deadline is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0, deadline - monotonic()), self._expire)

    def _expire(self) -> None:
        """Fail the requests in the queue whose deadline has passed."""
        self._timer = None
        now = monotonic()
        for deadline, ready in self._queue:
            if deadline is None or ready.done():
                continue
            if deadline > now:
                self._watch(deadline)
                return
            ready.set_exception(DatabaseUnavailable("other writers took too long", code=BUSY))
