"""The pool: connections to borrow, and the one way by which each of them comes back.

A slot of the queue is the right to one connection, which keeps the slot's number. asyncpg's own
pool makes a timeout and a task for each acquire and release, a sixth of what a small request costs,
and resets by a statement; here a clean connection costs neither. One that is not clean is mended
aside, within ``MEND_S``, or closed; its slot is free only then, so there are never more connections
than slots.
"""

import asyncio
import contextlib
from typing import Final

from sqlalchemy import Dialect

from encore.database.callers import Caller, current_caller
from encore.database.fair_queue import FairQueue
from encore.database.postgresql.connection import PooledConnection, connect
from encore.database.postgresql.sentinel import Sentinel
from encore.database.postgresql.watchdog import Watchdog

KEPT_FREE: Final = 3
"""How many connections one client leaves to others, and slow statements to quick ones of the same
client."""

WAITING: Final = 1_000
"""How many requests of one client may wait for a connection."""

WAIT_S: Final = 5.0
MEND_S: Final = 2.0
"""How long a cancelled statement may take to end, in seconds, before its connection is closed."""

CLOSE_S: Final = 10.0


class Pool:
    """Connections to one database.

    Args:
        dsn: Where to connect.
        size: The most connections, beside the sentinel's.
        dialect: The database's.

    Attributes:
        sentinel: The connection that is kept for questions about the database itself.
    """

    def __init__(self, dsn: str, size: int, dialect: Dialect) -> None:
        self._dsn = dsn
        share = size - KEPT_FREE
        self._queue = FairQueue(size, share=share, waiting=WAITING, seconds=WAIT_S)
        self._connections: list[PooledConnection | None] = [None] * size
        self._mending: set[asyncio.Task[None]] = set()
        self.sentinel = Sentinel(dsn, dialect)
        self._watchdog = Watchdog(
            self._connections,
            self.sentinel,
            share - KEPT_FREE,
            lambda: self._queue.longest_wait,
            self._close_idle,
        )

    async def open(self) -> None:
        """Connect once, so that a wrong address is known at the start."""
        try:
            await self.sentinel.is_read_only()
        except BaseException:
            self.sentinel.close()
            raise
        self._watchdog.start()

    async def close(self) -> None:
        """Wait for the statements under way, at most ``CLOSE_S``, and disconnect."""
        loop = asyncio.get_running_loop()
        end = loop.time() + CLOSE_S
        while self._queue.free < len(self._connections) and loop.time() < end:  # noqa: ASYNC110 - an event would be set whenever one is given back
            await asyncio.sleep(0.01)
        self._watchdog.stop()
        idle = [one for one in self._connections if one is not None and one.is_clean]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MEND_S):
                await asyncio.gather(*(one.close() for one in idle), return_exceptions=True)
        for slot in range(len(self._connections)):
            self._discard(slot)
        self.sentinel.close()

    async def borrow(self) -> PooledConnection:
        """Take a connection, waiting for one in turn with other clients.

        Raises:
            DatabaseBusy: None came back in time, or too many requests of this client wait.
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: Connecting failed.
        """
        caller = current_caller.get()
        slot = self._queue.acquire_nowait(caller)
        if slot is None:
            slot = await self._queue.acquire(caller)
        connection = self._connections[slot]
        if connection is None or connection.is_closed():
            connection = await self._connect(slot)
        return connection

    def borrower(self, connection: PooledConnection) -> Caller:
        """Return for whom a connection was borrowed."""
        return self._queue.holder(connection.slot)

    async def _connect(self, slot: int) -> PooledConnection:
        try:
            connection = await connect(self._dsn)
        except BaseException:
            self._queue.release(slot)
            raise
        connection.slot = slot
        connection.watchdog = self._watchdog
        self._connections[slot] = connection
        return connection

    def give_back(self, connection: PooledConnection) -> None:
        """Take a borrowed connection back, in whatever state it is: the one way to free a slot."""
        if connection.is_clean:
            self._queue.release(connection.slot)
        elif connection.is_closed():
            self._discard(connection.slot)
            self._queue.release(connection.slot)
        else:
            task = asyncio.create_task(self._mend(connection))
            self._mending.add(task)
            task.add_done_callback(self._mending.discard)

    async def _mend(self, connection: PooledConnection) -> None:
        """Wait for what was cancelled, and undo it; else close the connection."""
        try:
            with contextlib.suppress(Exception):  # Then it is closed, below.
                async with asyncio.timeout(MEND_S):
                    if connection.is_reusable:
                        await connection.rollback()
                    else:
                        await connection.close()  # Has the server end the statement first.
        finally:
            if not connection.is_clean:
                self._discard(connection.slot)
            self._queue.release(connection.slot)

    def _discard(self, slot: int) -> None:
        connection, self._connections[slot] = self._connections[slot], None
        if connection is not None:
            connection.terminate()

    def _close_idle(self) -> None:
        """Close the connections that nobody has borrowed: what befell one is true of all."""
        for slot in self._queue.free_slots:
            self._discard(slot)
