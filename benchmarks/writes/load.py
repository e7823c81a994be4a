"""Loads a server with requests that depend on earlier responses: tags that must be current.

wrk cannot tell whose response it received, so this is a client of its own: 32 connections in one
event loop, each with one request at a time.
"""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.command_line import BenchmarkError
from benchmarks.processes import list_process_tree

CONNECTIONS: Final = 32
_HOST: Final = "127.0.0.1"
_TIMEOUT_S: Final = 120.0
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ETAG: Final = re.compile(rb'\r\netag: *((?:W/)?"[^"]*")', re.IGNORECASE)
_HEAD_END: Final = b"\r\n\r\n"
_NOT_MODIFIED: Final = 304
_STATUS: Final = slice(9, 12)
_TICKS: Final = 100
"""Of a CPU second, in /proc."""


@dataclass(frozen=True, slots=True)
class Received:
    """A response: status, head and body."""

    status: int
    head: bytes
    body: bytes

    @property
    def etag(self) -> bytes:
        """The entity tag.

        Raises:
            BenchmarkError: There is none.
        """
        found = _ETAG.search(self.head)
        if found is None:
            raise BenchmarkError(f"a response has no ETag: {self.head[:300]!r}")
        return found[1]


@dataclass(slots=True)
class Traffic:
    """The requests of one row.

    Attributes:
        next_request: Returns the next request of a connection, by its number; None if it has none.
        handle: Handles a response to it.
        statuses: The statuses that responses must have.
    """

    next_request: Callable[[int], bytes | None]
    handle: Callable[[int, Received], None]
    statuses: frozenset[int]


@dataclass(frozen=True, slots=True)
class Cost:
    """What some requests took.

    Attributes:
        requests: Their number.
        seconds: The time from the first request to the last response.
        cpu_seconds: The processor time of the processes that are measured.
    """

    requests: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """Processor time of a request, in microseconds."""
        return self.cpu_seconds / self.requests * 1e6


def measure_load(
    port: int,
    processes: tuple[int, ...],
    traffic: Traffic,
    *,
    seconds: float | None,
    connections: int = CONNECTIONS,
) -> Cost:
    """Load a server, until it has no more requests if no duration is given.

    Args:
        port: Its port.
        processes: Whose processor time is measured, with all that they have started.
        traffic: The requests.
        seconds: The duration.
        connections: How many requests are sent at once.

    Raises:
        BenchmarkError: A response has another status, or a connection ended.
    """
    before = _cpu_seconds(processes)
    started = time.perf_counter()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        count = runner.run(_load(port, traffic, seconds, connections))
    took = time.perf_counter() - started
    after = _cpu_seconds(processes)
    return Cost(count, took, sum(after[pid] - before.get(pid, 0.0) for pid in after))


def _cpu_seconds(processes: tuple[int, ...]) -> dict[int, float]:
    """Return the processor time of some processes and their descendants, user and system."""
    seconds = {}
    for pid in (pid for root in processes for pid in list_process_tree(root)):
        with suppress(OSError):  # It has ended.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            seconds[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
    return seconds


async def _load(port: int, traffic: Traffic, seconds: float | None, connections: int) -> int:
    loop = asyncio.get_running_loop()
    until = None if seconds is None else loop.time() + seconds
    clients = [_Client(number, traffic, loop, until) for number in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, _HOST, port)  # type: ignore[misc] # mypy cannot infer a lambda with a default
    async with asyncio.timeout(_TIMEOUT_S):
        await asyncio.gather(*(client.done for client in clients))
    return sum(client.count for client in clients)


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(
        self,
        number: int,
        traffic: Traffic,
        loop: asyncio.AbstractEventLoop,
        until: float | None,
    ) -> None:
        self._number = number
        self._traffic = traffic
        self._loop = loop
        self._until = until
        self._buffer = b""
        self.count = 0
        self.done: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport  # uvloop's are not asyncio.Transport.
        self._send_next()

    def _send_next(self) -> None:
        is_over = self._until is not None and self._loop.time() > self._until
        request = None if is_over else self._traffic.next_request(self._number)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_HEAD_END)
        if end < 0:
            return
        start = end + len(_HEAD_END)
        head = self._buffer[:start]
        status = int(head[_STATUS])
        length = _LENGTH.search(head)
        size = int(length[1]) if length and status != _NOT_MODIFIED else 0
        if len(self._buffer) < start + size:
            return
        body, self._buffer = self._buffer[start : start + size], self._buffer[start + size :]
        try:
            self._handle(Received(status, head, body))
        except BenchmarkError as error:
            self.done.set_exception(error)
            self._transport.abort()

    def _handle(self, response: Received) -> None:
        if response.status not in self._traffic.statuses:
            raise BenchmarkError(f"unexpected response: {response.status} {response.body[:300]!r}")
        self.count += 1
        self._traffic.handle(self._number, response)
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(BenchmarkError(f"the connection ended: {exc}"))
