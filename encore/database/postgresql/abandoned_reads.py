"""Ending a read on PostgreSQL once its caller has left.

A watch on the caller costs more than a short statement, so it begins with the first tick of the
watchdog that finds a statement running. What ends is the statement: its task is cancelled while it
waits for the rows, and asyncpg has the server cancel it. Between statements nothing is cancelled.
"""

import asyncio

from encore.database.callers import Caller
from encore.database.errors import CallerDisconnected
from encore.database.postgresql.connection import PooledConnection


class AbandonedRead:
    """Watches the caller of one session that only reads.

    Args:
        connection: The session's.
        caller: Whose request it is.
    """

    def __init__(self, connection: PooledConnection, caller: Caller) -> None:
        self._connection = connection
        self._cancelled: asyncio.Task[object] | None = None
        self._leaving = asyncio.create_task(caller.left())
        self._leaving.add_done_callback(self._end)

    def look(self) -> None:
        """End the statement that is running if the caller left before it began."""
        if self._leaving.done():
            self._end(self._leaving)

    def _end(self, leaving: "asyncio.Task[None]") -> None:
        task = self._connection.task
        if task is not None and not leaving.cancelled() and self._cancelled is None:
            self._cancelled = task
            task.cancel()

    def translate(self) -> None:
        """Take back the cancellation of a statement, if it was this one's.

        Raises:
            CallerDisconnected: It was.
        """
        task = asyncio.current_task()
        if task is not None and task is self._cancelled and not task.uncancel():
            raise CallerDisconnected("the caller has left") from None

    def close(self) -> None:
        """Watch no longer."""
        self._leaving.cancel()
