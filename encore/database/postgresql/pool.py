"""The connection pool: borrowing connections, and giving them back.

A slot of the queue is the right to use the connection with the slot's number. asyncpg's pool
creates a timeout and a task for each acquire and release, a sixth of the cost of a small request,
and resets connections by a statement; a clean connection needs neither here. A connection that is
not clean is cleaned in the background, within ``CLEAN_S``, or closed; only then is its slot free,
so there are never more connections than slots.
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

RESERVED: Final = 3
"""How many connections a client leaves to others, and slow statements to quick ones."""

WAITING: Final = 1_000
"""How many requests of one client may wait for a connection."""

WAIT_S: Final = 5.0
CLEAN_S: Final = 2.0
"""How long cleaning may take, in seconds, before the connection is closed."""

CLOSE_S: Final = 10.0


class Pool:
    """Connections to one database.

    Args:
        dsn: The database's URL.
        size: The maximum number of connections, in addition to the sentinel's.
        dialect: The dialect to compile for.

    Attributes:
        sentinel: The connection for queries about the database itself.
    """

    def __init__(self, dsn: str, size: int, dialect: Dialect) -> None:
        self._dsn = dsn
        share = size - RESERVED
        self._queue = FairQueue(size, share=share, waiting=WAITING, seconds=WAIT_S)
        self._connections: list[PooledConnection | None] = [None] * size
        self._cleaning: set[asyncio.Task[None]] = set()
        self.sentinel = Sentinel(dsn, dialect)
        self._watchdog = Watchdog(
            self._connections,
            self.sentinel,
            share - RESERVED,
            lambda: self._queue.longest_wait,
            self._close_idle,
        )

    async def open(self) -> None:
        """Connect once, so that a wrong address is noticed at start-up."""
        try:
            await self.sentinel.is_read_only()
        except BaseException:
            self.sentinel.close()
            raise
        self._watchdog.start()

    async def close(self) -> None:
        """Wait for the running statements, at most ``CLOSE_S``, then disconnect."""
        loop = asyncio.get_running_loop()
        end = loop.time() + CLOSE_S
        while self._queue.free < len(self._connections) and loop.time() < end:  # noqa: ASYNC110 - an event would cost every request
            await asyncio.sleep(0.01)
        self._watchdog.stop()
        idle = [c for c in self._connections if c is not None and c.is_clean]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLEAN_S):
                await asyncio.gather(*(c.close() for c in idle), return_exceptions=True)
        for slot in range(len(self._connections)):
            self._discard(slot)
        self.sentinel.close()

    async def borrow(self) -> PooledConnection:
        """Borrow a connection, waiting for the client's turn.

        Raises:
            DatabaseBusy: None became free in time, or too many requests of the client wait.
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
        """Return the caller that has borrowed a connection."""
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
        """Give back a borrowed connection, in any state; every slot is freed here."""
        if connection.is_clean:
            self._queue.release(connection.slot)
        elif connection.is_closed():
            self._discard(connection.slot)
            self._queue.release(connection.slot)
        else:
            task = asyncio.create_task(self._clean(connection))
            self._cleaning.add(task)
            task.add_done_callback(self._cleaning.discard)

    async def _clean(self, connection: PooledConnection) -> None:
        """Wait for the cancelled statement and roll back, or close the connection."""
        try:
            with contextlib.suppress(Exception):  # Then it is closed below.
                async with asyncio.timeout(CLEAN_S):
                    if connection.is_reusable:
                        await connection.rollback()
                    else:
                        await connection.close()  # Has the server cancel the statement first.
        finally:
            if not connection.is_clean:
                self._discard(connection.slot)
            self._queue.release(connection.slot)

    def _discard(self, slot: int) -> None:
        connection, self._connections[slot] = self._connections[slot], None
        if connection is not None:
            connection.terminate()

    def _close_idle(self) -> None:
        """Close the connections that are not borrowed: they are as broken as the others."""
        for slot in self._queue.free_slots:
            self._discard(slot)
