"""Stalled and trickling bodies are 408 and close the connection; slow, steady ones are read."""

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
    """Return a system that waits one second for a body."""
    directory = tmp_path_factory.mktemp("stalled")
    system = start_items(directory, BODY_TIMEOUT_SECONDS=str(TIMEOUT))
    system.client.headers["Authorization"] = f"Bearer {system.token(SCOPES)}"
    yield system
    system.stop()


@contextlib.contextmanager
def open_request(system: System, path: str, *lines: str) -> Iterator[socket.socket]:
    """Send the head of a request; yield the connection for its body."""
    address = (HOST, int(system.environment["SERVER_PORT"]))
    token = f"Authorization: {system.client.headers['Authorization']}"
    head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", token, *lines, "", ""])
    with socket.create_connection(address, 30) as connection:
        connection.sendall(head.encode())
        yield connection


def read_to_end(connection: socket.socket) -> bytes:
    """Read until the server closes; unread bytes cause a reset after the response."""
    response = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65_536):
            response += data
    return response


def assert_timed_out(response: bytes) -> None:
    """Check that the response is 408 with ``Connection: close``."""
    assert response.startswith(b"HTTP/1.1 408 "), response
    assert b"connection: close" in response
    assert b'"type":"urn:problem-type:request-timeout"' in response
    assert b'"message":"The body did not arrive in time"' in response


REQUESTS = {
    "json": ("/items", "Content-Type: application/json", JSON),
    "form": ("/items", "Content-Type: application/x-www-form-urlencoded", b"name=slow"),
    "upload": ("/items/upload", "Content-Type: application/x-ndjson", NDJSON),
}


def test_stalled_body_is_408_for_every_framing_and_route(system: System) -> None:
    with contextlib.ExitStack() as stack:
        stalled = []
        for path, media_type, body in REQUESTS.values():
            chunk = b"%x\r\n%s\r\n" % (len(body), body)
            for line, data in (("Content-Length: 999", body), (CHUNKED, chunk), (CHUNKED, b"")):
                connection = stack.enter_context(open_request(system, path, media_type, line))
                connection.sendall(data)
                stalled.append(connection)
        for connection in stalled:
            assert_timed_out(read_to_end(connection))
    lines = [line for line in system.output().splitlines() if '"status":408' in line]
    assert len(lines) == len(stalled)
    assert all('"reason":"request-timeout"' in line for line in lines)
    assert "request failed" not in system.output()


def test_trickling_body_is_408(system: System) -> None:
    with open_request(system, "/items", "Content-Length: 1000") as connection:
        connection.settimeout(0.2)
        response = b""
        for _ in range(100):
            connection.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                response = connection.recv(65_536)
                break
        assert_timed_out(response)


def test_slow_but_steady_body_is_accepted(system: System) -> None:
    padding = b" " * 1_000
    with open_request(system, "/items", f"Content-Length: {len(JSON) + 1_000 * 12}") as connection:
        for _ in range(12):  # 5,000 bytes a second, for longer than a stalled body may take.
            connection.sendall(padding)
            time.sleep(0.2)
        connection.sendall(JSON)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 201 ")


def test_connection_is_kept_after_a_complete_body(system: System) -> None:
    with open_request(system, "/items", f"Content-Length: {len(JSON)}") as connection:
        connection.sendall(JSON)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 201 ")
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
