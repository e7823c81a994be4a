"""Many connections, silent ones and foreign protocols: nobody is locked out, over real sockets."""

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
"""What pytest itself and its other tests need."""


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that keeps silent connections for two seconds."""
    directory = tmp_path_factory.mktemp("brief")
    with running_service(directory, KEEP_ALIVE_SECONDS="2") as service:
        yield service


@pytest.fixture
def descriptors() -> Iterator[int]:
    """Raise the limit of open files; yield how many connections this process may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    unlimited = hard == resource.RLIM_INFINITY
    yield IDLE_CONNECTIONS if unlimited else hard - OWN_DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def closed_at_once(connection: socket.socket) -> bool:
    """Return whether the other side closed the connection without an answer."""
    with contextlib.suppress(ConnectionError):
        return connection.recv(1) == b""
    return True


def test_idle_connections_by_the_thousand_leave_livez_fast_and_are_dropped_by_the_timer(
    brief: ServiceProcess, descriptors: int
) -> None:
    # The service keeps an eighth of its descriptors for itself; it has the same hard limit.
    wanted = min(IDLE_CONNECTIONS, descriptors * 7 // 8)
    if wanted < IDLE_CONNECTIONS:
        print(f"scaled to the hard limit of open files: {wanted} connections")  # noqa: T201 - said with -s
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(brief.connect()) for _ in range(wanted)]
        for connection in idle[:100]:  # A head that never ends is no better than none.
            connection.sendall(GET_LIVE[:-2])
        seconds = [brief.live_seconds() for _ in range(20)]
        median = statistics.median(seconds)
        print(f"p50 of /livez beside {wanted}: {median * 1000:.1f} ms")  # noqa: T201 - as above
        assert median < 1
        assert all(closed_at_once(connection) for connection in idle)


def test_connection_between_requests_is_kept_for_the_time_that_is_set(
    brief: ServiceProcess,
) -> None:
    with brief.connect() as connection:
        for pause in (0, 1.2, 1.2):
            time.sleep(pause)
            connection.sendall(GET_LIVE)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_http_2_by_prior_knowledge_is_closed_without_an_answer(brief: ServiceProcess) -> None:
    with brief.connect() as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        assert closed_at_once(connection)


def test_upgrade_to_http_2_is_answered_in_http_1(brief: ServiceProcess) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    with brief.connect() as connection:
        connection.sendall(GET_LIVE[:-2] + upgrade + b"\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[System]:
    """A system that handles four requests at a time, two of one client."""
    system = start_items(tmp_path, MAX_CONCURRENT_REQUESTS="4")
    yield system
    system.stop()


def unfinished_post(system: System) -> socket.socket:
    """Send a request all but its last byte, which keeps it under way."""
    connection = socket.create_connection((HOST, int(system.environment["SERVER_PORT"])), 30)
    token = system.client.headers["Authorization"]
    connection.sendall(
        f"POST /items HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        "Content-Length: 12\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")  # It is being read.
    connection.sendall(b'{"name":"a"')
    return connection


def test_request_beyond_a_clients_share_is_503_while_health_checks_and_those_under_way_are_answered(
    small: System,
) -> None:
    with unfinished_post(small) as first, unfinished_post(small) as second:
        response = small.client.get("/items")
        assert_problem(
            response,
            503,
            "service-unavailable",
            "Too many requests of this client are being handled; try again later",
        )
        assert response.headers["retry-after"] == "1"
        assert httpx.get(f"{small.url}/livez").status_code == httpx.codes.OK
        assert httpx.get(f"{small.url}/readyz").status_code == httpx.codes.OK
        for connection in (first, second):
            connection.sendall(b"}")
            assert connection.recv(4096).startswith(b"HTTP/1.1 201 ")
    assert small.client.get("/items").status_code == httpx.codes.OK
    lines = [line for line in small.output().splitlines() if '"status":503' in line]
    assert lines
    assert all('"reason":"client-overloaded"' in line for line in lines)
    assert "request failed" not in small.output()
