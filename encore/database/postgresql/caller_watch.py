"""Cancelling a read on PostgreSQL once its caller has disconnected.

Watching the caller costs more than a short statement, so it begins with the first tick of the
watchdog at which a statement is running. The statement is cancelled: its task is cancelled while it
waits for the rows, and asyncpg has the server cancel it. Between statements nothing is cancelled.
"""

import asyncio

from encore.database.callers import Caller
from encore.database.cancellation import has_happened
from encore.database.errors import CallerDisconnected
from encore.database.postgresql.connection import PooledConnection


class CallerWatch:
    """Watches the caller of a session that only reads.

    Args:
        connection: The session's connection.
        caller: The caller of the request.
    """

    def __init__(self, connection: PooledConnection, caller: Caller) -> None:
        self._connection = connection
        self._cancelled: asyncio.Task[object] | None = None
        self._leaving = asyncio.create_task(caller.left())
        self._leaving.add_done_callback(self._cancel)

    def check(self) -> None:
        """Cancel the running statement if the caller disconnected before it began."""
        if self._leaving.done():
            self._cancel(self._leaving)

    def _cancel(self, leaving: "asyncio.Task[None]") -> None:
        task = self._connection.task
        if task is not None and self._cancelled is None and has_happened(leaving):
            self._cancelled = task
            task.cancel()

    def translate(self) -> None:
        """Replace the cancellation of a statement, if this object has cancelled it.

        Raises:
            CallerDisconnected: It has.
        """
        task = asyncio.current_task()
        if task is not None and task is self._cancelled and not task.uncancel():
            raise CallerDisconnected("the caller has disconnected") from None

    def close(self) -> None:
        """Stop watching."""
        self._leaving.cancel()
