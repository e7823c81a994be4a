"""``encore dev``: shutdown by signals, and an issuer that starts later."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values

from tests.fixtures.item_service import SERVICE
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import (
    ITEMS,
    OUTPUT,
    START_SECONDS,
    System,
    environment_of,
    launch,
    local,
    ports,
    start_items,
)
from tests.fixtures.workers import free_port

pytestmark = pytest.mark.processes

IDLE_SECONDS = 3
"""Less than the five seconds for requests in progress: an idle service exits by itself."""

PROBLEMS = re.compile("error|warning|traceback|exception|keys of", re.IGNORECASE)


@pytest.fixture
def own_system(tmp_path: Path) -> Iterator[System]:
    """Return a separate system over SQLite."""
    (tmp_path / "temporary").mkdir()
    system = start_items(tmp_path, TMPDIR=str(tmp_path / "temporary"))
    yield system
    system.stop()


def is_group_empty(process_group: int) -> bool:
    """Return whether no process of a process group is left."""
    try:
        os.killpg(process_group, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until_group_is_empty(process_group: int) -> None:
    """Wait until no process of the group is left."""
    deadline = time.monotonic() + START_SECONDS
    while not is_group_empty(process_group):
        assert time.monotonic() < deadline, "a child was left behind"
        time.sleep(0.01)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_ctrl_c_stops_service_and_issuer(own_system: System, *, busy: bool) -> None:
    with socket.create_connection(
        ("127.0.0.1", int(own_system.environment["SERVER_PORT"]))
    ) as connection:
        if busy:  # An idle connection, and a request whose body never ends.
            own_system.client.get("/items")
            token = own_system.client.headers["Authorization"]
            connection.sendall(
                f"POST /items HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n".encode()
            )
            connection.sendall(b"Content-Length: 10\r\n\r\n{")
        os.killpg(own_system.process.pid, signal.SIGINT)
        # Requests in progress have five seconds to end.
        assert own_system.process.wait(8 if busy else IDLE_SECONDS) == 0
    wait_until_group_is_empty(own_system.process.pid)
    assert not list((own_system.directory / "temporary").iterdir())
    for url in (own_system.url, own_system.issuer):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    assert not PROBLEMS.search(own_system.output())


@pytest.mark.parametrize("file", [".env.local", "dev.sqlite"])  # Written early, and a little later.
def test_ctrl_c_during_startup_stops_service_and_issuer_silently(tmp_path: Path, file: str) -> None:
    process = launch(tmp_path, environment_of(**ports()), ITEMS)
    deadline = time.monotonic() + START_SECONDS
    while not (tmp_path / file).exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(START_SECONDS) == 0
    wait_until_group_is_empty(process.pid)
    assert not PROBLEMS.search((tmp_path / OUTPUT).read_text())


def test_sigterm_stops_service_and_issuer(own_system: System) -> None:
    (temporary,) = (own_system.directory / "temporary").iterdir()
    assert temporary.stat().st_mode & 0o777 == 0o700  # It has the ids of revoked tokens.
    os.kill(own_system.process.pid, signal.SIGTERM)
    assert own_system.process.wait(IDLE_SECONDS) == 0
    wait_until_group_is_empty(own_system.process.pid)
    assert not temporary.exists()


def test_request_in_progress_is_answered_after_repeated_ctrl_c(own_system: System) -> None:
    body = b'{"name": "Banana Bread", "description": "Bread made from bananas"}'
    head = (
        f"POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    )
    token = f"Authorization: {own_system.client.headers['Authorization']}\r\n\r\n"
    with socket.create_connection(
        ("127.0.0.1", int(own_system.environment["SERVER_PORT"]))
    ) as connection:
        connection.settimeout(START_SECONDS)
        connection.sendall((head + token).encode() + body[:10])
        own_system.client.get("/items")  # After this the other request has begun.
        for _ in range(4):
            os.killpg(own_system.process.pid, signal.SIGINT)
            time.sleep(0.1)
        connection.sendall(body[10:])
        assert connection.recv(100).startswith(b"HTTP/1.1 201 ")
    assert own_system.process.wait(IDLE_SECONDS) == 0
    wait_until_group_is_empty(own_system.process.pid)
    assert not PROBLEMS.search(own_system.output())


def test_children_exit_when_the_parent_is_killed(own_system: System) -> None:
    own_system.process.kill()
    own_system.process.wait()
    wait_until_group_is_empty(own_system.process.pid)


def test_first_run_prints_urls_but_not_the_client_secret(items: System) -> None:
    # Output of other tests follows.
    output, rest, _ = items.output().partition("Ctrl-C ends both.")
    assert rest
    for expected in (f"{items.url}/docs", items.issuer, f"{items.url}/items"):
        assert expected in output
    secret = dotenv_values(items.directory / ".env.local")["CLIENT_SECRET"]
    assert secret
    assert secret not in output
    assert not PROBLEMS.search(output)


def test_service_without_issuer_is_503_until_the_issuer_starts(tmp_path: Path) -> None:
    issuer = local(free_port())
    first = start_items(tmp_path, ISSUER=issuer)  # Creates secret and database.
    token = first.token()
    first.stop()
    environment = environment_of(**{**ports(), "ISSUER": issuer, "LOG_LEVEL": "error"})
    url = f"http://localhost:{environment['SERVER_PORT']}"
    with subprocess.Popen(
        [sys.executable, "-m", "encore", "serve", SERVICE],
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
    ) as service:
        try:
            wait_for_status(f"{url}/readyz", 200)
            response = httpx.get(f"{url}/items", headers={"Authorization": f"Bearer {token}"})
            assert_problem(response, 503, "service-unavailable")
            assert int(response.headers["retry-after"]) > 0
            second = start_items(tmp_path, ISSUER=issuer)
            wait_for_status(f"{url}/items", 200, dict(second.client.headers))
            second.stop()
        finally:
            service.terminate()
        assert service.wait(IDLE_SECONDS) == 0


def wait_for_status(url: str, status: int, headers: dict[str, str] | None = None) -> None:
    """Send requests until the response has this status."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, headers=headers).status_code == status:
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)
