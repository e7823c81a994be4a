"""A fair queue for a resource with a fixed number of slots: connections, reader threads.

Waiting clients take turns, however many requests they have: a client with a thousand waiting
requests delays another client's request by one turn. A client never holds more than its share, so
others find a free slot without waiting for its work to end. Each waiter gets a slot by the deadline
or an error (``DatabaseBusy``); a waiter whose caller disconnects leaves the queue.

While slots are free, acquiring takes a number from a list: no task, no timer, no suspension, and
the client is not even determined::

    slot = queue.acquire_nowait(caller)
    if slot is None:
        slot = await queue.acquire(caller)
    try:
        ...
    finally:
        queue.release(slot)

The slots' numbers, 0 to ``slots - 1``, can name what is shared: connection 0, connection 1.
A queue belongs to one event loop.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from encore.database.callers import Caller
from encore.database.cancellation import has_happened
from encore.database.errors import CallerDisconnected, DatabaseBusy, DatabaseError

CHECK_S: Final = 0.2
"""How often the waiters are checked, in seconds; their callers are watched from the first check."""


class _Waiter:
    """A request that waits for a slot."""

    __slots__ = ("caller", "client", "leaving", "since", "slot")

    def __init__(self, caller: Caller, slot: "asyncio.Future[int]", since: float) -> None:
        self.caller = caller
        self.client = caller.client
        self.slot = slot
        self.since = since
        self.leaving: asyncio.Task[None] | None = None


class FairQueue:
    """Assigns a fixed number of slots.

    Args:
        slots: The number of slots.
        share: The most slots that one client may hold.
        waiting: The most requests of one client that may wait.
        seconds: How long a request may wait; infinite for no deadline.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(self, slots: int, *, share: int, waiting: int, seconds: float) -> None:
        if not 1 <= share <= slots or waiting < 0 or seconds <= 0:
            raise ValueError("share must be 1 to slots, waiting at least 0, seconds positive")
        self._free = list(reversed(range(slots)))
        self._holders: list[Caller | None] = [None] * slots
        # If more slots are free than this, no client holds its whole share.
        self._reserve = slots - share
        self._share = share
        self._waiting = waiting
        self._seconds = seconds
        # Clients in the order of their turns, each with its waiters in order of arrival.
        self._clients: OrderedDict[Hashable, OrderedDict[_Waiter, None]] = OrderedDict()
        # All waiters in order of arrival, which is the order of their deadlines.
        self._waiters: OrderedDict[_Waiter, None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def free(self) -> int:
        """The number of free slots."""
        return len(self._free)

    @property
    def free_slots(self) -> tuple[int, ...]:
        """The free slots."""
        return tuple(self._free)

    @property
    def longest_wait(self) -> float:
        """How long the first waiter has waited, in seconds; 0 if there is none."""
        for waiter in self._waiters:
            return asyncio.get_running_loop().time() - waiter.since
        return 0.0

    @property
    def waiters(self) -> int:
        """The number of waiting requests."""
        return len(self._waiters)

    def holder(self, slot: int) -> Caller:
        """Return the caller that holds a slot. Raises ``ValueError`` if it is free."""
        caller = self._holders[slot]
        if caller is None:
            raise ValueError(f"slot {slot} is not held")
        return caller

    def acquire_nowait(self, caller: Caller) -> int | None:
        """Take a slot and return its number; None if the caller has to wait."""
        free = self._free
        if len(free) > self._reserve or (free and self._held(caller.client) < self._share):
            slot = free.pop()
            self._holders[slot] = caller
            return slot
        return None

    async def acquire(self, caller: Caller) -> int:
        """Take a slot and return its number, waiting for the client's turn.

        Raises:
            DatabaseBusy: No slot became free in time, or too many requests of the client wait.
            CallerDisconnected: The caller has disconnected meanwhile.
        """
        slot = self.acquire_nowait(caller)
        if slot is not None:
            return slot
        waiter = self._enqueue(caller)
        try:
            return await waiter.slot
        except asyncio.CancelledError:
            if waiter.slot.cancelled():
                self._remove(waiter)
            elif waiter.slot.exception() is None:  # Assigned just before the cancellation.
                self.release(waiter.slot.result())
            raise

    def release(self, slot: int) -> None:
        """Return a slot, to the client whose turn it is if any waits."""
        if self._holders[slot] is None:
            raise ValueError(f"slot {slot} is not held")
        self._holders[slot] = None
        self._free.append(slot)
        if self._clients:
            self._assign()

    def _held(self, client: Hashable) -> int:
        """Return how many slots a client holds."""
        return sum(1 for c in self._holders if c is not None and c.client == client)

    def _enqueue(self, caller: Caller) -> _Waiter:
        loop = asyncio.get_running_loop()
        waiter = _Waiter(caller, loop.create_future(), loop.time())
        queue = self._clients.get(waiter.client)
        if len(queue or ()) >= self._waiting:
            raise DatabaseBusy("too many requests of one client wait", code="queue-full")
        if queue is None:
            queue = self._clients[waiter.client] = OrderedDict()
        queue[waiter] = self._waiters[waiter] = None
        if self._timer is None:
            self._timer = loop.call_later(min(CHECK_S, self._seconds), self._check)
        return waiter

    def _remove(self, waiter: _Waiter) -> None:
        """Remove a waiter, if it is still in the queue; its client keeps its turn."""
        if waiter not in self._waiters:
            return
        del self._waiters[waiter]
        if waiter.leaving is not None:
            waiter.leaving.cancel()
        queue = self._clients[waiter.client]
        del queue[waiter]
        if not queue:
            del self._clients[waiter.client]

    def _assign(self) -> None:
        """Assign free slots to the clients whose turn it is."""
        while self._free and (waiter := self._next()) is not None:
            self._remove(waiter)
            if waiter.client in self._clients:
                self._clients.move_to_end(waiter.client)
            slot = self._free.pop()
            self._holders[slot] = waiter.caller
            waiter.slot.set_result(slot)

    def _next(self) -> _Waiter | None:
        """Return the first waiter of the first client that holds less than its share."""
        for client, queue in self._clients.items():
            if self._held(client) < self._share:
                for waiter in queue:
                    if not waiter.slot.done():  # Otherwise cancelled, about to be removed.
                        return waiter
        return None

    def _check(self) -> None:
        """Fail the waiters whose deadline has passed, and watch the callers of the others."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        for waiter in tuple(self._waiters):
            if now - waiter.since >= self._seconds:
                self._fail(waiter, DatabaseBusy("no slot became free", code="queue-timeout"))
            elif waiter.leaving is None:
                self._watch(waiter)
        if self._waiters:
            first = next(iter(self._waiters))
            wait = min(CHECK_S, first.since + self._seconds - now)
            self._timer = loop.call_later(wait, self._check)

    def _watch(self, waiter: _Waiter) -> None:
        """Fail a waiter once its caller has disconnected."""
        waiter.leaving = asyncio.create_task(waiter.caller.left())

        def fail(leaving: "asyncio.Task[None]") -> None:
            if has_happened(leaving):
                self._fail(waiter, CallerDisconnected("the caller has disconnected"))

        waiter.leaving.add_done_callback(fail)

    def _fail(self, waiter: _Waiter, error: DatabaseError) -> None:
        self._remove(waiter)
        if not waiter.slot.done():
            waiter.slot.set_exception(error)
