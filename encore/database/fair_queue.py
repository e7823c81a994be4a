"""A fair queue for a resource that is there a fixed number of times: connections, reader threads.

Clients that wait take turns, whatever the number of their requests: a client with a thousand
requests waiting delays another's one request by one turn. One client never holds more than its
share, so that others find a free slot without waiting for the end of its work. Each waiter is
served by the deadline or refused (``DatabaseBusy``); one whose caller has left leaves the queue.

While slots are free, acquiring is taking a number from a list: no task, no timer, no suspension,
and nobody asks who the client is::

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
from encore.database.errors import CallerDisconnected, DatabaseBusy, DatabaseError

ATTEND_S: Final = 0.2
"""How often the queue looks at who waits, in seconds: from then on a waiter's caller may leave."""


class _Waiter:
    """One request in the queue."""

    __slots__ = ("caller", "client", "leaving", "since", "slot")

    def __init__(self, caller: Caller, slot: "asyncio.Future[int]", since: float) -> None:
        self.caller = caller
        self.client = caller.client
        self.slot = slot
        self.since = since
        self.leaving: asyncio.Task[None] | None = None


class FairQueue:
    """Shares out a fixed number of slots.

    Args:
        params: How many there are.
        share: The most that one client may hold at a time.
        waiting: The most requests that one client may have waiting.
        seconds: How long a request may wait; infinite for no deadline.
    """

    def __init__(self, slots: int, *, share: int, waiting: int, seconds: float) -> None:
        if not 1 <= share <= slots or waiting < 0 or seconds <= 0:
            raise ValueError("share must be 1 to slots, waiting at least 0, seconds positive")
        self._free = list(reversed(range(slots)))
        self._holders: list[Caller | None] = [None] * slots
        # With more slots free than this, no client can hold its whole share.
        self._reserve = slots - share
        self._share = share
        self._waiting = waiting
        self._seconds = seconds
        # Clients in the order of their turns, each with its waiters in order of arrival.
        self._clients: OrderedDict[Hashable, OrderedDict[_Waiter, None]] = OrderedDict()
        # All waiters in order of arrival, which is that of their deadlines.
        self._waiters: OrderedDict[_Waiter, None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def free(self) -> int:
        """How many slots nobody holds."""
        return len(self._free)

    @property
    def free_slots(self) -> tuple[int, ...]:
        """The numbers of the slots that nobody holds."""
        return tuple(self._free)

    @property
    def longest_wait(self) -> float:
        """For how many seconds the first waiter has waited; 0 where nobody waits."""
        for waiter in self._waiters:
            return asyncio.get_running_loop().time() - waiter.since
        return 0.0

    @property
    def waiters(self) -> int:
        """How many requests wait."""
        return len(self._waiters)

    def holder(self, slot: int) -> Caller:
        """Return who holds a slot. Raises ``ValueError`` where nobody does."""
        caller = self._holders[slot]
        if caller is None:
            raise ValueError(f"slot {slot} is not held")
        return caller

    def acquire_nowait(self, caller: Caller) -> int | None:
        """Take a slot if this caller need not wait for one; return its number, or None."""
        free = self._free
        if len(free) > self._reserve or (free and self._held(caller.client) < self._share):
            slot = free.pop()
            self._holders[slot] = caller
            return slot
        return None

    async def acquire(self, caller: Caller) -> int:
        """Take a slot, waiting for this client's turn; return its number.

        Raises:
            DatabaseBusy: None came free in time, or too many requests of this client wait.
            CallerDisconnected: The caller has left meanwhile.
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
            elif waiter.slot.exception() is None:  # Granted just before the cancellation.
                self.release(waiter.slot.result())
            raise

    def release(self, slot: int) -> None:
        """Give a slot back: to the client whose turn it is, if any waits."""
        if self._holders[slot] is None:
            raise ValueError(f"slot {slot} is not held")
        self._holders[slot] = None
        self._free.append(slot)
        if self._clients:
            self._grant()

    def _held(self, client: Hashable) -> int:
        """Return how many slots a client holds."""
        return sum(1 for one in self._holders if one is not None and one.client == client)

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
            self._timer = loop.call_later(min(ATTEND_S, self._seconds), self._look)
        return waiter

    def _remove(self, waiter: _Waiter) -> None:
        """Take a waiter out of the queue, unless it has left; its client keeps its turn."""
        if waiter not in self._waiters:
            return
        del self._waiters[waiter]
        if waiter.leaving is not None:
            waiter.leaving.cancel()
        queue = self._clients[waiter.client]
        del queue[waiter]
        if not queue:
            del self._clients[waiter.client]

    def _grant(self) -> None:
        """Give free slots to the clients whose turns they are."""
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
                    if not waiter.slot.done():  # Cancelled, and about to leave.
                        return waiter
        return None

    def _look(self) -> None:
        """Refuse all whose deadline has passed; from now on, also the others if they leave."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        for waiter in tuple(self._waiters):
            if now - waiter.since >= self._seconds:
                self._refuse(waiter, DatabaseBusy("no slot came free", code="queue-timeout"))
            elif waiter.leaving is None:
                self._attend(waiter)
        if self._waiters:
            first = next(iter(self._waiters))
            wait = min(ATTEND_S, first.since + self._seconds - now)
            self._timer = loop.call_later(wait, self._look)

    def _attend(self, waiter: _Waiter) -> None:
        """Refuse a waiter once its caller has left."""
        waiter.leaving = asyncio.create_task(waiter.caller.left())

        def refuse(leaving: "asyncio.Task[None]") -> None:
            if not leaving.cancelled():
                self._refuse(waiter, CallerDisconnected("the caller has left"))

        waiter.leaving.add_done_callback(refuse)

    def _refuse(self, waiter: _Waiter, error: DatabaseError) -> None:
        self._remove(waiter)
        if not waiter.slot.done():
            waiter.slot.set_exception(error)
