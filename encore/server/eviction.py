"""Closing idle connections while new ones cannot be accepted.

When all connections that the server may hold are taken, granian accepts none until its timer
ends one: silent connections would keep all others out for that long, health checks too. So the
worker checks the kernel's queue of connections that wait to be accepted and, while the server is
full, closes those that have been idle for longest, as nginx does. A connection whose request is
being handled is never closed.

Linux only: it reads ``TCP_INFO`` (linux/tcp.h) and ``/proc/self/fd``. Elsewhere the timer alone
frees connections.
"""

import errno
import os
import socket
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from math import inf
from typing import Final

Address = tuple[str, int]

_PERIOD_S: Final = 0.25
_PAUSE_FACTOR: Final = 5
"""Inspecting thousands of connections takes a sixth of the time at most."""

_LEAST_IDLE_MILLISECONDS: Final = 100
"""A connection that was opened or used just now is about to send its request."""

_LEAST_SHARE: Final = 16
_DESCRIPTORS: Final = "/proc/self/fd"
_TCP_INFO: Final = struct.Struct("=24xI24xI")
"""``tcpi_unacked``: of a listening socket the connections that wait to be accepted, else segments
that are on their way; ``tcpi_last_data_recv``: milliseconds since data came or it was accepted."""


class Eviction:
    """Watches one server's connections.

    Args:
        most: How many connections it may hold.
        busy: Returns the other sides of the connections whose requests are being handled.
        listener: What it accepts them from; by default what this process listens on.
    """

    def __init__(
        self,
        most: int,
        busy: Callable[[], Collection[Address]],
        listener: socket.socket | None = None,
    ) -> None:
        self._most = most
        self._busy = busy
        self._listener = listener
        self._next = 0.0

    def check(self) -> None:
        """Evict in a thread if connections wait to be accepted; checking that is cheap."""
        if sys.platform != "linux" or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PERIOD_S
        with suppress(OSError):  # No descriptor to spare; there may be one the next time.
            if self._waiting():
                self._next = inf  # Until that eviction has ended.
                threading.Thread(target=self._evict_in_thread, name="eviction", daemon=True).start()

    def _evict_in_thread(self) -> None:
        begun = time.monotonic()
        try:
            with suppress(OSError):
                self.evict()
        finally:
            ended = time.monotonic()
            self._next = ended + max(_PERIOD_S, _PAUSE_FACTOR * (ended - begun))

    def _waiting(self) -> int:
        """Return how many connections wait to be accepted."""
        if self._listener is None:
            self._listener = _listener()
        return 0 if self._listener is None else _tcp_info(self._listener)[0]

    def evict(self) -> int:
        """Close idle connections if the server is full and others wait; return how many."""
        waiting = self._waiting()
        if self._listener is None or not waiting:
            return 0
        idle, held = self._idle(self._listener)
        if held < self._most:
            return 0  # They are about to be accepted.
        idle.sort(reverse=True)
        evicted = idle[: max(waiting, self._most // _LEAST_SHARE)]
        for _, descriptor, peer in evicted:
            _close(descriptor, peer)
        return len(evicted)

    def _idle(self, listener: socket.socket) -> tuple[list[tuple[int, int, Address]], int]:
        """Return idle connections (milliseconds, descriptor, peer), and how many there are."""
        found, held = [], 0
        busy = frozenset(self._busy())
        port = listener.getsockname()[1]
        for descriptor, connection in _sockets():
            with suppress(OSError):
                if connection.getsockname()[1] != port:
                    continue
                peer = connection.getpeername()[:2]
                held += 1
                sending, idle = _tcp_info(connection)
                if peer not in busy and not sending and idle >= _LEAST_IDLE_MILLISECONDS:
                    found.append((idle, descriptor, peer))
        return found, held


def _sockets() -> Iterator[tuple[int, socket.socket]]:
    """Yield the TCP sockets of this process, each as a duplicate that is closed afterwards."""
    for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - thousands of numbers, not paths
        with suppress(OSError), _duplicate(int(name)) as connection:
            if connection.family in (socket.AF_INET, socket.AF_INET6):
                yield int(name), connection


def _listener() -> socket.socket | None:
    """Return a duplicate of the socket that the server listens on; None until there is one."""
    for _, found in _sockets():
        if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return _duplicate(found.fileno())
    return None


def _close(descriptor: int, peer: Address) -> None:
    """End a connection as its other side could; the server then closes it."""
    with suppress(OSError), _duplicate(descriptor) as connection:
        # The descriptor may be another connection's by now; its duplicate stays what it is.
        if connection.getpeername()[:2] == peer:
            connection.shutdown(socket.SHUT_RDWR)


def _duplicate(descriptor: int) -> socket.socket:
    """Return a duplicate of a socket, which stays non-blocking (``socket.dup`` would change that).

    Nothing but a socket is duplicated: to close a duplicate of a database file drops all locks that
    this process holds on it (fcntl(2)), and other processes then take SQLite's log away. Should the
    number become a file's in between, the duplicate stays open for that reason.

    Raises:
        OSError: It is closed, or not a socket.
    """
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    return socket.socket(fileno=os.dup(descriptor))


def _tcp_info(connection: socket.socket) -> tuple[int, int]:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    first, second = _TCP_INFO.unpack(info)
    return int(first), int(second)
