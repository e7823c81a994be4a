"""A server full of silent connections closes idle ones to accept others."""

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


def test_silent_connections_over_the_descriptor_limit_do_not_block_others(tmp_path: Path) -> None:
    with (
        running_service(tmp_path, descriptors=DESCRIPTORS) as service,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(SILENT):
            stack.enter_context(service.connect())
        for _ in range(3):
            assert service.live_seconds() < 30, "the keep-alive timeout is 75 s"
        assert service.ready_status() == 200


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Return a listening socket on which the tests accept."""
    with socket.create_server((HOST, 0), backlog=8) as server:
        yield server


def connect(listener: socket.socket, stack: contextlib.ExitStack) -> socket.socket:
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


def test_eviction_closes_idle_connections_and_keeps_busy_and_new_ones(
    listener: socket.socket,
) -> None:
    with contextlib.ExitStack() as stack:
        idle, busy, fresh = (connect(listener, stack) for _ in range(3))
        eviction = Eviction(3, lambda: [busy.getsockname()], listener)
        time.sleep(IDLE_SECONDS)
        assert eviction.evict() == 0, "no connection waits"
        fresh.sendall(b"GET ")
        stack.enter_context(socket.create_connection(listener.getsockname(), 5))
        assert eviction.evict() == 1
        assert [is_open(client) for client in (idle, busy, fresh)] == [False, True, True]


def test_eviction_closes_the_longest_idle_connection_first(listener: socket.socket) -> None:
    with contextlib.ExitStack() as stack:
        first, second = connect(listener, stack), connect(listener, stack)
        time.sleep(IDLE_SECONDS)
        first.sendall(b"GET ")
        time.sleep(IDLE_SECONDS)
        stack.enter_context(socket.create_connection(listener.getsockname(), 5))
        assert Eviction(2, list, listener).evict() == 1
        assert [is_open(client) for client in (first, second)] == [True, False]


def test_eviction_closes_nothing_below_the_limit(listener: socket.socket) -> None:
    with contextlib.ExitStack() as stack:
        client = connect(listener, stack)
        time.sleep(IDLE_SECONDS)
        stack.enter_context(socket.create_connection(listener.getsockname(), 5))
        assert Eviction(2, list, listener).evict() == 0
        assert is_open(client)
