"""A server that is full of silent connections lets others in, and keeps those that are in use."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from encore.server.eviction import Eviction
from tests.faults.service_process import HOST, running_service

pytestmark = pytest.mark.processes

DESCRIPTORS = 1_024
SILENT = 1_100
IDLE_SECONDS = 0.15


def test_silent_connections_beyond_the_descriptor_limit_lock_nobody_out(tmp_path: Path) -> None:
    with (
        running_service(tmp_path, descriptors=DESCRIPTORS) as service,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(SILENT):
            stack.enter_context(service.connect())
        for _ in range(3):
            assert service.live_seconds() < 30, "the connections' own time is 75 s"
        assert service.ready_status() == 200


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server's socket; the tests accept for it."""
    with socket.create_server((HOST, 0), backlog=8) as server:
        yield server


def connected(listener: socket.socket, stack: contextlib.ExitStack) -> socket.socket:
    """Open and accept a connection; return the client's side."""
    client = stack.enter_context(socket.create_connection(listener.getsockname(), 5))
    stack.enter_context(listener.accept()[0])
    return client


def is_open(client: socket.socket) -> bool:
    """Return whether the server has left a connection open."""
    client.settimeout(0)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True


def test_eviction_takes_idle_connections_and_leaves_busy_and_fresh_ones(
    listener: socket.socket,
) -> None:
    with contextlib.ExitStack() as stack:
        idle, busy, fresh = (connected(listener, stack) for _ in range(3))
        eviction = Eviction(3, lambda: [busy.getsockname()], listener)
        time.sleep(IDLE_SECONDS)
        assert eviction.evict() == 0, "nobody waits"
        fresh.sendall(b"GET ")
        stack.enter_context(socket.create_connection(listener.getsockname(), 5))
        assert eviction.evict() == 1
        assert [is_open(client) for client in (idle, busy, fresh)] == [False, True, True]


def test_eviction_begins_with_those_idle_for_longest(listener: socket.socket) -> None:
    with contextlib.ExitStack() as stack:
        first, second = connected(listener, stack), connected(listener, stack)
        time.sleep(IDLE_SECONDS)
        first.sendall(b"GET ")
        time.sleep(IDLE_SECONDS)
        stack.enter_context(socket.create_connection(listener.getsockname(), 5))
        assert Eviction(2, list, listener).evict() == 1
        assert [is_open(client) for client in (first, second)] == [True, False]


def test_eviction_waits_while_there_are_places_left(listener: socket.socket) -> None:
    with contextlib.ExitStack() as stack:
        client = connected(listener, stack)
        time.sleep(IDLE_SECONDS)
        stack.enter_context(socket.create_connection(listener.getsockname(), 5))
        assert Eviction(2, list, listener).evict() == 0
        assert is_open(client)
