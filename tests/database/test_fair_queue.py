"""The fair queue: slots are never lost, no client gets a second turn before another's first."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encore.database.callers import NOBODY, Author
from encore.database.errors import CallerDisconnected, DatabaseBusy
from encore.database.fair_queue import CHECK_S, FairQueue

SECONDS = 5.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock only the test advances."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def advance(self, seconds: float) -> None:
        self.now += seconds
        await settle()


async def settle() -> None:
    """Let everything run that is ready."""
    for _ in range(5):
        await asyncio.sleep(0)


def run(scenario: Callable[[VirtualLoop], Coroutine[Any, Any, None]]) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(scenario(loop))
    finally:
        loop.close()


@dataclass(eq=False)
class Request:
    """A caller, as the HTTP layer would make one for each request."""

    client: str
    author: Author = NOBODY
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def left(self) -> None:
        await self.gone.wait()


def test_acquire_with_free_slots_returns_each_slot_once() -> None:
    queue = FairQueue(3, share=3, waiting=0, seconds=SECONDS)
    slots = [queue.acquire_nowait(Request("a")) for _ in range(4)]
    assert sorted(slots[:3], key=str) == [0, 1, 2]
    assert slots[3] is None
    queue.release(1)
    assert queue.acquire_nowait(Request("b")) == 1


def test_acquire_with_free_slot_does_not_suspend() -> None:
    queue = FairQueue(1, share=1, waiting=1, seconds=SECONDS)
    acquiring = queue.acquire(Request("a"))
    with pytest.raises(StopIteration) as stopped:  # Outside of any event loop.
        acquiring.send(None)
    assert stopped.value.value == 0


def test_release_of_free_slot_raises() -> None:
    queue = FairQueue(1, share=1, waiting=0, seconds=SECONDS)
    slot = queue.acquire_nowait(Request("a"))
    assert slot is not None
    queue.release(slot)
    with pytest.raises(ValueError, match="not held"):
        queue.release(slot)


@pytest.mark.parametrize(
    ("share", "waiting", "seconds"), [(0, 1, 1.0), (3, 1, 1.0), (1, -1, 1.0), (1, 1, 0.0)]
)
def test_queue_with_invalid_bounds_raises(share: int, waiting: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="share"):
        FairQueue(2, share=share, waiting=waiting, seconds=seconds)


def test_client_with_one_request_waits_one_turn_of_busy_client() -> None:
    async def scenario(_: VirtualLoop) -> None:
        queue = FairQueue(1, share=1, waiting=100, seconds=SECONDS)
        held = queue.acquire_nowait(Request("greedy"))
        assert held is not None
        order: list[str] = []

        async def use(client: str) -> None:
            slot = await queue.acquire(Request(client))
            order.append(client)
            queue.release(slot)

        tasks = [asyncio.create_task(use("greedy")) for _ in range(20)]
        await settle()
        tasks.append(asyncio.create_task(use("modest")))
        await settle()
        queue.release(held)
        await asyncio.gather(*tasks)
        assert order.index("modest") == 1

    run(scenario)


def test_client_at_its_share_leaves_last_slots_to_others() -> None:
    async def scenario(_: VirtualLoop) -> None:
        queue = FairQueue(4, share=3, waiting=10, seconds=SECONDS)
        held = [queue.acquire_nowait(Request("greedy")) for _ in range(4)]
        assert held[3] is None
        waiting = asyncio.create_task(queue.acquire(Request("greedy")))
        await settle()
        assert queue.acquire_nowait(Request("modest")) is not None
        assert held[0] is not None
        queue.release(held[0])
        assert await waiting == held[0]

    run(scenario)


def test_waiters_fail_at_their_own_deadlines() -> None:
    async def scenario(loop: VirtualLoop) -> None:
        queue = FairQueue(1, share=1, waiting=10, seconds=SECONDS)
        slot = queue.acquire_nowait(Request("a"))
        assert slot is not None
        first = asyncio.create_task(queue.acquire(Request("a")))
        await settle()
        await loop.advance(2)
        second = asyncio.create_task(queue.acquire(Request("b")))
        await settle()
        await loop.advance(2)
        assert not first.done()
        await loop.advance(1.5)
        with pytest.raises(DatabaseBusy) as refusal:
            await first
        assert refusal.value.code == "queue-timeout"
        assert not second.done()
        queue.release(slot)
        assert await second == slot

    run(scenario)


def test_client_with_too_many_waiters_fails_at_once() -> None:
    async def scenario(_: VirtualLoop) -> None:
        queue = FairQueue(1, share=1, waiting=2, seconds=SECONDS)
        queue.acquire_nowait(Request("a"))
        tasks = [asyncio.create_task(queue.acquire(Request("a"))) for _ in range(2)]
        await settle()
        with pytest.raises(DatabaseBusy) as refusal:
            await queue.acquire(Request("a"))
        assert refusal.value.code == "queue-full"
        tasks.append(asyncio.create_task(queue.acquire(Request("b"))))
        await settle()
        assert queue.waiters == 3
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert queue.waiters == 0

    run(scenario)


def test_waiter_of_disconnected_caller_leaves_queue() -> None:
    async def scenario(loop: VirtualLoop) -> None:
        queue = FairQueue(1, share=1, waiting=10, seconds=SECONDS)
        slot = queue.acquire_nowait(Request("a"))
        assert slot is not None
        request = Request("b")
        leaver = asyncio.create_task(queue.acquire(request))
        stayer = asyncio.create_task(queue.acquire(Request("c")))
        await settle()
        request.gone.set()
        await loop.advance(CHECK_S * 1.5)
        with pytest.raises(CallerDisconnected):
            await leaver
        assert queue.waiters == 1
        queue.release(slot)
        assert await stayer == slot
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario)


class UnwatchableRequest(Request):
    """A request whose channel fails."""

    async def left(self) -> None:
        raise OSError("broken")


def test_waiter_whose_caller_cannot_be_watched_stays_in_queue() -> None:
    async def scenario(loop: VirtualLoop) -> None:
        queue = FairQueue(1, share=1, waiting=10, seconds=SECONDS)
        slot = queue.acquire_nowait(Request("a"))
        assert slot is not None
        waiting = asyncio.create_task(queue.acquire(UnwatchableRequest("b")))
        await settle()
        await loop.advance(CHECK_S * 1.5)
        queue.release(slot)
        assert await waiting == slot

    run(scenario)


class Model:
    """Drives a queue and checks after each step what must always hold."""

    def __init__(self, loop: VirtualLoop, slots: int, share: int) -> None:
        self.loop = loop
        self.slots, self.share = slots, share
        self.queue = FairQueue(slots, share=share, waiting=4, seconds=SECONDS)
        self.held: list[tuple[str, int]] = []
        self.waiting: list[tuple[Request, asyncio.Task[int], float]] = []

    async def acquire(self, client: str) -> None:
        request = Request(client)
        task = self.loop.create_task(self.queue.acquire(request))
        self.waiting.append((request, task, self.loop.now + SECONDS))
        await self.settle()

    async def release(self, number: int) -> None:
        if self.held:
            self.queue.release(self.held.pop(number % len(self.held))[1])
            await self.settle()

    async def cancel(self, number: int, *, with_release: bool) -> None:
        """Cancel a waiter, maybe in the same turn of the loop in which a slot comes free."""
        if self.waiting:
            task = self.waiting[number % len(self.waiting)][1]
            if with_release and self.held:
                self.queue.release(self.held.pop()[1])
            task.cancel()
            await self.settle()

    async def cancel_then_release(self, number: int) -> None:
        if self.waiting and self.held:
            self.waiting[number % len(self.waiting)][1].cancel()
            self.queue.release(self.held.pop()[1])
            await self.settle()

    async def leave(self, number: int) -> None:
        """Have the caller of a waiter leave, maybe before the queue has looked."""
        if self.waiting:
            self.waiting[number % len(self.waiting)][0].gone.set()
            await self.settle()

    async def advance(self, seconds: int) -> None:
        await self.loop.advance(seconds)
        await self.settle()

    async def settle(self) -> None:
        await settle()
        for request, task, deadline in list(self.waiting):
            if not task.done():
                continue
            self.waiting.remove((request, task, deadline))
            if task.cancelled() or isinstance(task.exception(), DatabaseBusy):
                continue
            if isinstance(task.exception(), CallerDisconnected):
                assert request.gone.is_set()
                continue
            self.held.append((request.client, task.result()))
        self.check()

    def check(self) -> None:
        holding = Counter(client for client, _ in self.held)
        waiting = Counter(request.client for request, _, _ in self.waiting)
        numbers = [slot for _, slot in self.held]
        assert len(numbers) == len(set(numbers)) <= self.slots
        assert set(numbers) <= set(range(self.slots))
        assert self.queue.free == self.slots - len(numbers)
        assert self.queue.waiters == sum(waiting.values())
        assert all(count <= self.share for count in holding.values())
        for client in waiting:
            if holding[client] < self.share:
                assert not self.queue.free, "a slot is free and somebody waits"
        assert all(deadline > self.loop.now for _, _, deadline in self.waiting)
        seen = self.loop.now - CHECK_S + SECONDS  # Who waited then is looked at by now.
        assert not any(one.gone.is_set() and since < seen for one, _, since in self.waiting)

    async def finish(self) -> None:
        while self.held:
            await self.release(0)
        assert not self.waiting
        assert self.queue.free == self.slots


CLIENTS = st.sampled_from("abc")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), CLIENTS),
        st.tuples(st.just("acquire"), CLIENTS),
        st.tuples(st.just("release"), st.integers(0, 9)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("release and cancel"), st.integers(0, 9)),
        st.tuples(st.just("cancel and release"), st.integers(0, 9)),
        st.tuples(st.just("leave"), st.integers(0, 9)),
        st.tuples(st.just("advance"), st.integers(1, 6)),
    ),
    max_size=40,
)


@given(slots=st.integers(1, 4), reserve=st.integers(0, 3), steps=STEPS)
@settings(max_examples=300, deadline=None)
def test_any_sequence_keeps_slots_and_resolves_every_waiter(
    slots: int, reserve: int, steps: list[tuple[str, Any]]
) -> None:
    async def scenario(loop: VirtualLoop) -> None:
        model = Model(loop, slots, max(1, slots - reserve))
        for step, argument in steps:
            match step:
                case "acquire":
                    await model.acquire(argument)
                case "release":
                    await model.release(argument)
                case "cancel" | "release and cancel":
                    await model.cancel(argument, with_release=step != "cancel")
                case "leave":
                    await model.leave(argument)
                case "cancel and release":
                    await model.cancel_then_release(argument)
                case _:
                    await model.advance(argument)
        await model.finish()

    run(scenario)


@given(
    requests=st.lists(CLIENTS, min_size=1, max_size=60), slots=st.integers(1, 3), seed=st.randoms()
)
@settings(max_examples=200, deadline=None)
def test_clients_take_turns_in_any_sequence(requests: list[str], slots: int, seed: Any) -> None:
    async def scenario(loop: VirtualLoop) -> None:
        queue = FairQueue(slots, share=slots, waiting=100, seconds=SECONDS)
        held = [queue.acquire_nowait(Request("z")) for _ in range(slots)]
        turns: list[str] = []

        async def use(client: str) -> None:
            held.append(await queue.acquire(Request(client)))
            turns.append(client)

        tasks = [loop.create_task(use(client)) for client in requests]
        await settle()
        left = Counter(requests)
        while held:
            slot = held.pop(seed.randrange(len(held)))
            assert slot is not None
            queue.release(slot)
            await settle()
        await asyncio.gather(*tasks)
        assert Counter(turns) == left
        for number, client in enumerate(turns):
            left[client] -= 1
            later = turns[number + 1 :]
            again = later.index(client) if client in later else len(later)
            others = {other for other, count in left.items() if count and other != client}
            if client in later:  # All who wait come between two turns of one client.
                assert others <= set(later[:again])

    run(scenario)
