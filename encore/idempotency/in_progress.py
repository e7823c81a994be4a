"""Requests with a key that are in progress in this process: their twins wait without a connection.

Twins that waited in the database would hold a connection each. Those of other processes do: they
wait for the unique key of the row (``store``).
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from encore.errors import IdempotencyKeyInUse
from encore.idempotency.response import StoredResponse

WAIT_S: Final = 5.0
"""How long a twin waits, in seconds, as long as for a lock of the database."""

Name = tuple[str, str]
"""The owner of a key, and the key."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A request that was committed, and its response."""

    fingerprint: str
    response: StoredResponse


class InProgress:
    """The requests of one process that have a key and are in progress."""

    def __init__(self) -> None:
        # The future is made by the first twin: most requests have none.
        self._running: dict[Name, asyncio.Future[Finished | None] | None] = {}

    def enter_nowait(self, name: Name) -> bool:
        """Return whether no request with this name was in progress; this one now is."""
        if name in self._running:
            return False
        self._running[name] = None
        return True

    async def enter(self, name: Name) -> Finished | None:
        """Wait while a request with this name is in progress.

        Returns:
            The twin that was committed while this one waited; None if this request now is the one
            in progress, which must leave.

        Raises:
            IdempotencyKeyInUse: The other one took too long.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_S
        while not self.enter_nowait(name):
            running = self._running[name]
            if running is None:
                running = self._running[name] = loop.create_future()
            try:
                async with asyncio.timeout_at(deadline):
                    finished = await asyncio.shield(running)
            except TimeoutError:
                raise IdempotencyKeyInUse from None
            if finished is not None:
                return finished
        return None

    def leave(self, name: Name, finished: Finished | None) -> None:
        """Let the twins go on: with the response, or to try themselves if nothing is committed."""
        running = self._running.pop(name)
        if running is not None:
            running.set_result(finished)
