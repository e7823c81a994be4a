"""Many idle connections and other protocols over real sockets: the service keeps serving."""

import contextlib
import resource
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.service_process import GET_LIVE, HOST, ServiceProcess, running_service
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import System, start_items

pytestmark = pytest.mark.processes

IDLE_CONNECTIONS = 5_000
OWN_DESCRIPTORS = 500
"""Descriptors that pytest and other tests need."""


@pytest.fixture(scope="module")
def short_keep_alive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """Return a service that closes idle connections after two seconds."""
    directory = tmp_path_factory.mktemp("brief")
    with running_service(directory, KEEP_ALIVE_SECONDS="2") as service:
        yield service


@pytest.fixture
def descriptors() -> Iterator[int]:
    """Raise the limit of open files; yield how many connections this process may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    unlimited = hard == resource.RLIM_INFINITY
    yield IDLE_CONNECTIONS if unlimited else hard - OWN_DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_closed(connection: socket.socket) -> bool:
    """Return whether the server closed the connection without a response."""
    with contextlib.suppress(ConnectionError):
        return connection.recv(1) == b""
    return True


def test_thousands_of_idle_connections_keep_livez_fast_and_are_closed(
    short_keep_alive: ServiceProcess, descriptors: int
) -> None:
    # The service has the same hard limit and reserves an eighth of its descriptors.
    connections = min(IDLE_CONNECTIONS, descriptors * 7 // 8)
    if connections < IDLE_CONNECTIONS:
        print(f"scaled to the hard limit of open files: {connections} connections")  # noqa: T201 - said with -s
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(short_keep_alive.connect()) for _ in range(connections)]
        for connection in idle[:100]:  # Half of a request head counts as idle.
            connection.sendall(GET_LIVE[:-2])
        seconds = [short_keep_alive.live_seconds() for _ in range(20)]
        median = statistics.median(seconds)
        print(f"p50 of /livez beside {connections}: {median * 1000:.1f} ms")  # noqa: T201 - as above
        assert median < 1
        assert all(is_closed(connection) for connection in idle)


def test_idle_connection_is_kept_within_keep_alive_seconds(
    short_keep_alive: ServiceProcess,
) -> None:
    with short_keep_alive.connect() as connection:
        for pause in (0, 1.2, 1.2):
            time.sleep(pause)
            connection.sendall(GET_LIVE)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_http_2_with_prior_knowledge_is_closed_without_response(
    short_keep_alive: ServiceProcess,
) -> None:
    with short_keep_alive.connect() as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        assert is_closed(connection)


def test_upgrade_to_http_2_is_ignored(short_keep_alive: ServiceProcess) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    with short_keep_alive.connect() as connection:
        connection.sendall(GET_LIVE[:-2] + upgrade + b"\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.fixture
def limited_system(tmp_path: Path) -> Iterator[System]:
    """Return a system that handles four concurrent requests, two of one client."""
    system = start_items(tmp_path, MAX_CONCURRENT_REQUESTS="4")
    yield system
    system.stop()


def start_post(system: System) -> socket.socket:
    """Send a request except its last byte, which keeps it in progress."""
    connection = socket.create_connection((HOST, int(system.environment["SERVER_PORT"])), 30)
    token = system.client.headers["Authorization"]
    connection.sendall(
        f"POST /items HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        "Content-Length: 12\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")  # The service is reading the body.
    connection.sendall(b'{"name":"a"')
    return connection


def test_request_over_the_clients_share_is_503_while_others_are_served(
    limited_system: System,
) -> None:
    with start_post(limited_system) as first, start_post(limited_system) as second:
        response = limited_system.client.get("/items")
        assert_problem(
            response,
            503,
            "service-unavailable",
            "Too many requests of this client are being handled; try again later",
        )
        assert response.headers["retry-after"] == "1"
        assert httpx.get(f"{limited_system.url}/livez").status_code == httpx.codes.OK
        assert httpx.get(f"{limited_system.url}/readyz").status_code == httpx.codes.OK
        for connection in (first, second):
            connection.sendall(b"}")
            assert connection.recv(4096).startswith(b"HTTP/1.1 201 ")
    assert limited_system.client.get("/items").status_code == httpx.codes.OK
    lines = [line for line in limited_system.output().splitlines() if '"status":503' in line]
    assert lines
    assert all('"reason":"client-overloaded"' in line for line in lines)
    assert "request failed" not in limited_system.output()
