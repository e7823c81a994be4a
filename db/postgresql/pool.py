"""The pool: connections to borrow, and the one way by which each of them comes back.

A slot is the right to one connection. asyncpg's own pool makes a timeout and a task for each
acquire and release, a sixth of what a small request costs, and resets by a statement; here a clean
connection costs neither. One that is not clean is mended aside, within ``MEND_S``, or closed; its
slot is free only then, so there are never more connections than slots.
"""

import asyncio
import contextlib
from typing import Final

from db.errors import DatabaseUnavailable
from db.postgresql.connection import CONNECT_TIMEOUT_S, PooledConnection, connect
from db.postgresql.watchdog import Watchdog

MEND_S: Final = 2.0
"""How long a cancelled statement may take to end, in seconds, before its connection is closed."""

CLOSE_S: Final = 10.0


class Pool:
    """Connections to one database.

    Args:
        dsn: Where to connect.
        size: The most connections.
    """

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn = dsn
        self._size = size
        self._slots = asyncio.Semaphore(size)
        self._idle: list[PooledConnection] = []
        self._connections: set[PooledConnection] = set()
        self._mending: set[asyncio.Task[None]] = set()
        self._watchdog = Watchdog(self._connections, self._close_idle)

    async def open(self) -> None:
        """Connect once, so that a wrong address is known at the start."""
        self._watchdog.start()
        try:
            self.give_back(await self.borrow())
        except BaseException:
            self._watchdog.stop()
            raise

    async def close(self) -> None:
        """Wait for the statements under way, at most ``CLOSE_S``, and disconnect."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                for _ in range(self._size):
                    await self._slots.acquire()
                await asyncio.gather(*(one.close() for one in self._idle), return_exceptions=True)
        self._watchdog.stop()
        for connection in self._connections:
            connection.terminate()
        self._connections.clear()
        self._idle.clear()

    async def borrow(self) -> PooledConnection:
        """Take a connection, waiting for one while all are in use.

        Raises:
            DatabaseUnavailable: None came back in time.
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: Connecting failed.
        """
        if self._slots.locked():
            await self._wait()
        else:
            await self._slots.acquire()
        try:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                self._connections.discard(connection)
            connection = await connect(self._dsn, self._watchdog)
        except BaseException:
            self._slots.release()
            raise
        self._connections.add(connection)
        return connection

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._slots.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable("all connections are in use") from error

    def give_back(self, connection: PooledConnection) -> None:
        """Take a borrowed connection back, in whatever state it is: the one way to free a slot."""
        if connection.is_clean:
            self._idle.append(connection)
            self._slots.release()
        elif connection.is_closed():
            self._discard(connection)
            self._slots.release()
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
            if connection.is_clean:
                self._idle.append(connection)
            else:
                self._discard(connection)
            self._slots.release()

    def _discard(self, connection: PooledConnection) -> None:
        self._connections.discard(connection)
        connection.terminate()

    def _close_idle(self) -> None:
        """Close idle connections: one that went silent was lost with the network, so all were."""
        while self._idle:
            self._discard(self._idle.pop())
