"""One timer for all connections of a pool: it ends operations that the server does not answer.

A timer for each statement would cost more than a short statement does; so an operation only notes
the tick at which it began. Ticks, not seconds: while the event loop stands still none goes by, so
nobody is blamed for an answer that has arrived and was not read yet.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from db.postgresql.connection import PooledConnection

TICK_S: Final = 0.5
SILENCE_TICKS: Final = 19
"""How long an operation may go without an answer; with the tick it began in, ten seconds."""


class Watchdog:
    """Ends the operations of connections that go without an answer for too long.

    Args:
        connections: All of the pool's.
        on_silence: Called once an operation was ended.

    Attributes:
        tick: How many ticks have gone by; never 0.
    """

    def __init__(
        self, connections: Collection[PooledConnection], on_silence: Callable[[], None]
    ) -> None:
        self.tick = 1
        self._connections = connections
        self._on_silence = on_silence
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to watch, in the running event loop."""
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._look)

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self.start()
        self.tick += 1
        if [one for one in tuple(self._connections) if one.started and self._end_silent(one)]:
            self._on_silence()

    def _end_silent(self, connection: PooledConnection) -> bool:
        """Close a connection whose operation has had its time; return whether it had."""
        connection.note_progress(self.tick)
        if connection.is_patient or self.tick - connection.started < SILENCE_TICKS:
            return False
        connection.terminate()  # Its caller gets the error, and gives it back.
        return True
