"""Bodies that stall or trickle are 408, and the connection ends; slow but steady ones are read."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from tests.faults.service_process import HOST
from tests.fixtures.system import System, start_items

pytestmark = pytest.mark.processes

TIMEOUT = 1
SCOPES = "items items:upload"
JSON = b'{"name":"slow"}'
CHUNKED = "Transfer-Encoding: chunked"
NDJSON = b'{"name":"slow"}\n'


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that waits one second for a body."""
    directory = tmp_path_factory.mktemp("stalled")
    system = start_items(directory, BODY_TIMEOUT_SECONDS=str(TIMEOUT))
    system.client.headers["Authorization"] = f"Bearer {system.token(SCOPES)}"
    yield system
    system.stop()


@contextlib.contextmanager
def request(system: System, path: str, *lines: str) -> Iterator[socket.socket]:
    """Send a request's head; yield the connection for its body."""
    address = (HOST, int(system.environment["SERVER_PORT"]))
    token = f"Authorization: {system.client.headers['Authorization']}"
    head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", token, *lines, "", ""])
    with socket.create_connection(address, 30) as connection:
        connection.sendall(head.encode())
        yield connection


def rest(connection: socket.socket) -> bytes:
    """Read until the other side closes; a reset after the answer is what unread bytes cause."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65_536):
            answer += data
    return answer


def assert_timed_out(answer: bytes) -> None:
    """Check that the answer is 408 and that it announces the end of the connection."""
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert b"connection: close" in answer
    assert b'"type":"urn:problem-type:request-timeout"' in answer
    assert b'"message":"The body did not arrive in time"' in answer


KINDS = {
    "json": ("/items", "Content-Type: application/json", JSON),
    "form": ("/items", "Content-Type: application/x-www-form-urlencoded", b"name=slow"),
    "upload": ("/items/upload", "Content-Type: application/x-ndjson", NDJSON),
}


def test_body_that_stalls_is_408_however_it_is_framed_and_read(system: System) -> None:
    with contextlib.ExitStack() as stack:
        stalled = []
        for path, media_type, body in KINDS.values():
            chunk = b"%x\r\n%s\r\n" % (len(body), body)
            for line, data in (("Content-Length: 999", body), (CHUNKED, chunk), (CHUNKED, b"")):
                connection = stack.enter_context(request(system, path, media_type, line))
                connection.sendall(data)
                stalled.append(connection)
        for connection in stalled:
            assert_timed_out(rest(connection))
    lines = [line for line in system.output().splitlines() if '"status":408' in line]
    assert len(lines) == len(stalled)
    assert all('"reason":"request-timeout"' in line for line in lines)
    assert "request failed" not in system.output()


def test_body_that_trickles_is_408(system: System) -> None:
    with request(system, "/items", "Content-Length: 1000") as connection:
        connection.settimeout(0.2)
        answer = b""
        for _ in range(100):
            connection.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(65_536)
                break
        assert_timed_out(answer)


def test_body_that_comes_slowly_but_steadily_is_read(system: System) -> None:
    padding = b" " * 1_000
    with request(system, "/items", f"Content-Length: {len(JSON) + 1_000 * 12}") as connection:
        for _ in range(12):  # 5,000 bytes a second, for longer than a stalled body may take.
            connection.sendall(padding)
            time.sleep(0.2)
        connection.sendall(JSON)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 201 ")


def test_connection_is_kept_after_a_body_that_was_read(system: System) -> None:
    with request(system, "/items", f"Content-Length: {len(JSON)}") as connection:
        connection.sendall(JSON)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 201 ")
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
