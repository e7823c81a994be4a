"""Threads with read connections, which clients share fairly.

Statements that may take long run here, so each client has a bounded share and waits for its turn,
at most for ``QUEUE_S``. The statement of a cancelled request is stopped; its thread and connection
are free for others once it has ended.
"""

import asyncio
from pathlib import Path
from threading import Lock
from typing import Final

from encore.database.callers import current_caller
from encore.database.cancellation import shield_until_done
from encore.database.fair_queue import FairQueue
from encore.database.sqlite.timed_connection import TimedConnection
from encore.database.statement import Row, Statement, Values
from encore.database.threads import lower_priority, run_in_thread

QUEUE_S: Final = 10.0
"""How long a request waits for a thread, in seconds."""

WAITING: Final = 64
"""How many requests of one client may wait for a thread."""


class ReadingThreads:
    """Runs a few statements at a time, each in a thread that ends with it.

    Args:
        path: The database file.
        name: The name of the threads.
        count: How many statements run at a time.
        share: How many of them may be of one client.
        seconds: The time limit of each.
        steps: How often that is checked, as for ``TimedConnection``.
    """

    def __init__(
        self, path: Path, name: str, *, count: int, share: int, seconds: float, steps: int
    ) -> None:
        # All are opened now: the path may name another file later.
        self._connections = [TimedConnection(path, seconds, steps) for _ in range(count)]
        self._in_use = [Lock() for _ in range(count)]
        self._queue = FairQueue(count, share=share, waiting=WAITING, seconds=QUEUE_S)
        self._name = name

    async def run(self, statement: Statement, values: Values) -> list[Row]:
        """Run a statement in a thread, at the client's turn; return its rows.

        Raises:
            DatabaseBusy: Its turn did not come in time.
            DatabaseError: The statement failed.
        """
        slot = await self._queue.acquire(current_caller.get())
        connection = self._connections[slot]
        try:
            connection.start()
            thread = run_in_thread(self._name, self._run_alone, slot, statement, values)
            return await shield_until_done(asyncio.ensure_future(thread), connection.stop)
        finally:
            self._queue.release(slot)

    def _run_alone(self, slot: int, statement: Statement, values: Values) -> list[Row]:
        lower_priority()
        with self._in_use[slot]:
            return self._connections[slot].run(statement, values)

    def close(self) -> None:
        """Stop what runs and close the connections."""
        for connection, in_use in zip(self._connections, self._in_use, strict=True):
            connection.stop()
            with in_use:
                connection.driver.close()
