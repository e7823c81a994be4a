"""A timer for all connections of a pool, which ends operations without a response of the server.

A timer for each statement would cost more than a short statement; so an operation only stores the
tick at which it began. Ticks instead of seconds, because none passes while the event loop is
blocked: a response that has arrived but was not read yet does not count as missing.

- Running at a tick: from then on a read is cancelled if its caller disconnects (``caller_watch``).
- No response for ``SLOW_TICKS``: the statement counts as slow. If a request has waited
  ``STARVING_S`` for a connection, the newest of more than ``max_slow`` slow statements are
  cancelled, and for a while no more of them may begin: so slow statements, or those on a locked
  table, leave connections to others.
- No response for ``PROBE_TICKS``: the sentinel runs a query. Without a response to that either, the
  network is broken, and all waiting operations end, including those of bulk work.
- No response for ``SILENCE_TICKS``: the operation ends, unless it has no time limit.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from encore.database.errors import DatabaseBusy
from encore.database.postgresql.connection import PooledConnection
from encore.database.postgresql.sentinel import Sentinel
from encore.database.statement import Statement

TICK_S: Final = 0.25
SLOW_TICKS: Final = 4
PROBE_TICKS: Final = 8
SILENCE_TICKS: Final = 37
"""Somewhat less than ten seconds, and more than the server's time limit of a statement."""

STARVING_S: Final = 2.0
STARVED_FOR_S: Final = 10.0
"""How long slow statements are limited after a request has waited ``STARVING_S``."""

FAILOVER_TICKS: Final = 8
SLOW_FOR_S: Final = 5.0
"""How long a slow statement counts as slow."""

Connections = Sequence[PooledConnection | None]


class Watchdog:
    """Watches the operations of a pool's connections.

    Args:
        connections: The pool's connections; the pool changes this sequence.
        sentinel: The connection that checks the database.
        max_slow: How many slow statements may run while a request starves.
        longest_wait: Returns how long the first request has waited for a connection, in seconds.
        close_idle: Closes the connections that are not in use.

    Attributes:
        tick: The number of ticks that have passed; never 0.
    """

    def __init__(
        self,
        connections: Connections,
        sentinel: Sentinel,
        max_slow: int,
        longest_wait: Callable[[], float],
        close_idle: Callable[[], None],
    ) -> None:
        self.tick = 1
        self._connections = connections
        self._sentinel = sentinel
        self._max_slow = max_slow
        self._longest_wait = longest_wait
        self._starved_until = 0.0
        self._close_idle = close_idle
        self._failover = -FAILOVER_TICKS
        self._timer: asyncio.TimerHandle | None = None
        self._slow: list[PooledConnection] = []
        self._probe: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the timer in the running event loop."""
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._on_tick)

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
        for task in (self._probe, self._ending):
            if task is not None:
                task.cancel()

    def admit(self, statement: Statement) -> None:
        """Admit a statement that was slow recently.

        Raises:
            DatabaseBusy: Too many slow statements are running, and a request has starved.
        """
        now = monotonic()
        if statement.slow_until < now:
            statement.slow_until = 0.0
        elif now < self._starved_until and self._count_slow() >= self._max_slow:
            raise DatabaseBusy("too many slow statements are running", code="slow-statements")

    def _count_slow(self) -> int:
        """Return how many of the statements that were slow at the last tick still run."""
        return sum(1 for connection in self._slow if connection.started)

    def forget_statements(self) -> None:
        """Have every connection prepare its statements again, because a table has changed."""
        for connection in self._connections:
            if connection is not None:
                connection._drop_local_statement_cache()  # noqa: SLF001 - as in asyncpg's pool

    def on_failover(self) -> None:
        """Replace idle connections, at most at intervals: new ones may reach the primary."""
        if self.tick - self._failover > FAILOVER_TICKS:
            self._failover = self.tick
            self._close_idle()

    def _on_tick(self) -> None:
        self.start()
        self.tick += 1
        running = [c for c in self._connections if c is not None and c.started]
        for connection in running:
            connection.note_progress(self.tick)
            if connection.on_tick is not None:
                connection.on_tick()
        self._slow = self._silent(running, SLOW_TICKS)
        if self._slow:
            self._make_room()
            self._end_silent(running)

    def _silent(self, running: Sequence[PooledConnection], ticks: int) -> list[PooledConnection]:
        """Return the connections without a response for so many ticks, the longest first."""
        silent = [c for c in running if self.tick - c.started >= ticks]
        return sorted(silent, key=lambda connection: connection.started)

    def _make_room(self) -> None:
        """Mark slow statements, and cancel the newest of too many if a request starves."""
        until = monotonic() + SLOW_FOR_S
        for connection in self._slow:
            if connection.statement is not None and not connection.has_no_time_limit:
                connection.statement.slow_until = until
        if self._longest_wait() < STARVING_S:
            return
        self._starved_until = monotonic() + STARVED_FOR_S
        excess = [c for c in self._slow[self._max_slow :] if not c.has_no_time_limit]
        if excess and (self._ending is None or self._ending.done()):
            self._ending = asyncio.create_task(self._cancel([c.get_server_pid() for c in excess]))

    async def _cancel(self, pids: Sequence[int]) -> None:
        with contextlib.suppress(Exception):  # Without a response, the probe ends them.
            await self._sentinel.cancel(pids)

    def _end_silent(self, running: Sequence[PooledConnection]) -> None:
        silent_too_long = self._silent(running, SILENCE_TICKS)
        self._close([c for c in silent_too_long if not c.has_no_time_limit])
        silent = self._silent(running, PROBE_TICKS)
        if silent and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self._check_network({c: c.started for c in silent}))

    async def _check_network(self, silent: dict[PooledConnection, int]) -> None:
        """Run a query on the sentinel; without a response, end the operations that still wait."""
        try:
            await self._sentinel.is_read_only()
        except Exception:  # noqa: BLE001 - every error means no response
            self._close([c for c, started in silent.items() if c.started == started])

    def _close(self, connections: Sequence[PooledConnection]) -> None:
        """Close connections in use: their borrowers get an error and give them back."""
        for connection in connections:
            connection.terminate()
        if connections:
            self._close_idle()  # Lost with the network as well.
