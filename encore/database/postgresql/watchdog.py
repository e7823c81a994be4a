"""One timer for all connections of a pool: it ends what the server does not answer.

A timer for each statement would cost more than a short statement does; so an operation only notes
the tick at which it began. Ticks, not seconds: while the event loop stands still none goes by, so
nobody is blamed for an answer that has arrived and was not read yet.

- Silent for ``PROBE_TICKS``: the sentinel is asked. If it gets no answer either, the network is
  mute and all silent operations end, those of bulk work too.
- Silent for ``SILENCE_TICKS``: the operation ends, unless it may take any time.
- Running at a tick: from then on a read ends when its caller has left (``abandoned_reads``).
- Slow for ``SLOW_TICKS``: the statement counts as slow. When somebody has waited ``STARVING_S`` for
  a connection, the newest of more than ``most_slow`` are ended, and for a while no more of the same
  may begin: so statements on one locked table, or slow ones, leave connections to all others.
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
"""Somewhat less than ten seconds, and more than the server's limit of a statement."""

STARVING_S: Final = 2.0
STARVED_FOR_S: Final = 10.0
"""How long slow statements are bounded after somebody has starved."""

FAILOVER_TICKS: Final = 8
SLOW_FOR_S: Final = 5.0
"""How long a statement that was slow counts as such."""

Connections = Sequence[PooledConnection | None]


class Watchdog:
    """Watches the operations of a pool's connections.

    Args:
        connections: All of the pool's; the sequence changes with them.
        sentinel: Answers if the network does.
        most_slow: How many statements may be slow while somebody starves.
        longest_wait: Tells for how many seconds somebody has waited for a connection.
        close_idle: Closes the connections that nobody uses.

    Attributes:
        tick: How many ticks have gone by; never 0.
    """

    def __init__(
        self,
        connections: Connections,
        sentinel: Sentinel,
        most_slow: int,
        longest_wait: Callable[[], float],
        close_idle: Callable[[], None],
    ) -> None:
        self.tick = 1
        self._connections = connections
        self._sentinel = sentinel
        self._most_slow = most_slow
        self._longest_wait = longest_wait
        self._starved_until = 0.0
        self._close_idle = close_idle
        self._failover = -FAILOVER_TICKS
        self._timer: asyncio.TimerHandle | None = None
        self._slow: list[PooledConnection] = []
        self._probe: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch, in the running event loop."""
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._look)

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
        for task in (self._probe, self._ending):
            if task is not None:
                task.cancel()

    def admit(self, statement: Statement) -> None:
        """Let a statement run that was slow lately.

        Raises:
            DatabaseBusy: As many as may be are running and slow, and somebody has starved.
        """
        now = monotonic()
        if statement.slow_until < now:
            statement.slow_until = 0.0
        elif now < self._starved_until and self._count_slow() >= self._most_slow:
            raise DatabaseBusy("too many slow statements are running", code="slow-statements")

    def _count_slow(self) -> int:
        """Return how many of the statements that were slow at the last look run still."""
        return sum(1 for one in self._slow if one.started)

    def forget_statements(self) -> None:
        """Have every connection prepare its statements anew: a table has changed."""
        for one in self._connections:
            if one is not None:
                one._drop_local_statement_cache()  # noqa: SLF001 - as asyncpg's own pool does

    def on_failover(self) -> None:
        """Have idle connections replaced, now and then: new ones may find the primary."""
        if self.tick - self._failover > FAILOVER_TICKS:
            self._failover = self.tick
            self._close_idle()

    def _look(self) -> None:
        self.start()
        self.tick += 1
        running = [one for one in self._connections if one is not None and one.started]
        for one in running:
            one.note_progress(self.tick)
            if one.on_tick is not None:
                one.on_tick()
        self._slow = self._silent(running, SLOW_TICKS)
        if self._slow:
            self._make_room()
            self._look_at_silence(running)

    def _silent(self, running: Sequence[PooledConnection], ticks: int) -> list[PooledConnection]:
        """Return those of the connections that have had no answer for so long, longest first."""
        silent = [one for one in running if self.tick - one.started >= ticks]
        return sorted(silent, key=lambda one: one.started)

    def _make_room(self) -> None:
        """Mark slow statements, and end the newest of too many if somebody starves."""
        until = monotonic() + SLOW_FOR_S
        for one in self._slow:
            if one.statement is not None and not one.is_patient:
                one.statement.slow_until = until
        if self._longest_wait() < STARVING_S:
            return
        self._starved_until = monotonic() + STARVED_FOR_S
        excess = [one for one in self._slow[self._most_slow :] if not one.is_patient]
        if excess and (self._ending is None or self._ending.done()):
            self._ending = asyncio.create_task(self._end([one.get_server_pid() for one in excess]))

    async def _end(self, pids: Sequence[int]) -> None:
        with contextlib.suppress(Exception):  # Without an answer, the silence will tell.
            await self._sentinel.cancel(pids)

    def _look_at_silence(self, running: Sequence[PooledConnection]) -> None:
        over = [one for one in self._silent(running, SILENCE_TICKS) if not one.is_patient]
        self._close(over)
        silent = self._silent(running, PROBE_TICKS)
        if silent and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self._ask({one: one.started for one in silent}))

    async def _ask(self, silent: dict[PooledConnection, int]) -> None:
        """Ask the sentinel; without an answer, end the operations that are silent still."""
        try:
            await self._sentinel.is_read_only()
        except Exception:  # noqa: BLE001 - whatever it is, there is no answer
            self._close([one for one, started in silent.items() if one.started == started])

    def _close(self, connections: Sequence[PooledConnection]) -> None:
        """Close connections in use: their borrowers get an error, and give them back."""
        for one in connections:
            one.terminate()
        if connections:
            self._close_idle()  # They were lost with the network too.
