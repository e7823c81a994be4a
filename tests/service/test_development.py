"""The running system: Ctrl-C ends everything, and the issuer may come late."""

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
"""Less than the five that requests under way are given: who is idle ends, and is not killed."""

NOISE = re.compile("error|warning|traceback|exception|keys of", re.IGNORECASE)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[System]:
    """A system of the test's own, over SQLite."""
    system = start_items(tmp_path)
    yield system
    system.stop()


def group_is_empty(group: int) -> bool:
    """Tell whether no process is left of a process group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def assert_nothing_left(group: int) -> None:
    """Wait until no process of the group is left."""
    deadline = time.monotonic() + START_SECONDS
    while not group_is_empty(group):
        assert time.monotonic() < deadline, "a child was left behind"
        time.sleep(0.01)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_ctrl_c_ends_both_and_leaves_nothing(own: System, *, busy: bool) -> None:
    with socket.create_connection(("127.0.0.1", int(own.environment["SERVER_PORT"]))) as half:
        if busy:  # A connection that is kept, and a request whose body never ends.
            own.client.get("/items")
            token = own.client.headers["Authorization"]
            half.sendall(f"POST /items HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n".encode())
            half.sendall(b"Content-Length: 10\r\n\r\n{")
        os.killpg(own.process.pid, signal.SIGINT)
        # Requests under way have five seconds to end.
        assert own.process.wait(8 if busy else IDLE_SECONDS) == 0
    assert_nothing_left(own.process.pid)
    for url in (own.url, own.issuer):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    assert not NOISE.search(own.output())


def test_ctrl_c_while_it_starts_ends_both_without_noise(tmp_path: Path) -> None:
    environment = environment_of(**ports())
    for sign in (".env.local", "dev.sqlite"):  # Written early, and a little later.
        process = launch(tmp_path, environment, ITEMS)
        deadline = time.monotonic() + START_SECONDS
        while not (tmp_path / sign).exists():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(START_SECONDS) == 0  # It may be importing still.
        assert_nothing_left(process.pid)
    assert not NOISE.search((tmp_path / OUTPUT).read_text())


def test_the_terminal_ends_both_too(own: System) -> None:
    os.kill(own.process.pid, signal.SIGTERM)
    assert own.process.wait(IDLE_SECONDS) == 0
    assert_nothing_left(own.process.pid)


def test_a_request_under_way_is_answered_however_often_ctrl_c_is_pressed(own: System) -> None:
    body = b'{"name": "Banana Bread", "description": "Bread made from bananas"}'
    head = (
        f"POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    )
    token = f"Authorization: {own.client.headers['Authorization']}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(own.environment["SERVER_PORT"]))) as half:
        half.settimeout(START_SECONDS)
        half.sendall((head + token).encode() + body[:10])
        own.client.get("/items")  # By then the other request has begun.
        for _ in range(4):
            os.killpg(own.process.pid, signal.SIGINT)
            time.sleep(0.1)
        half.sendall(body[10:])
        assert half.recv(100).startswith(b"HTTP/1.1 201 ")
    assert own.process.wait(IDLE_SECONDS) == 0
    assert_nothing_left(own.process.pid)
    assert not NOISE.search(own.output())


def test_children_end_with_a_parent_that_is_killed(own: System) -> None:
    own.process.kill()
    own.process.wait()
    assert_nothing_left(own.process.pid)


def test_the_first_run_says_what_to_type_and_keeps_its_secret(items: System) -> None:
    output, end, _ = items.output().partition("Ctrl-C ends both.")  # Tests of others follow.
    assert end
    for text in (f"{items.url}/docs", items.issuer, f"{items.url}/items"):
        assert text in output
    secret = dotenv_values(items.directory / ".env.local")["CLIENT_SECRET"]
    assert secret
    assert secret not in output
    assert not NOISE.search(output)


def test_alone_it_answers_503_until_the_issuer_comes(tmp_path: Path) -> None:
    issuer = local(free_port())
    first = start_items(tmp_path, ISSUER=issuer)  # Makes secret and database.
    token = first.token()
    first.stop()
    environment = environment_of(**{**ports(), "ISSUER": issuer, "LOG_LEVEL": "error"})
    url = f"http://localhost:{environment['SERVER_PORT']}"
    with subprocess.Popen(
        [sys.executable, "-m", "encore", "serve", SERVICE],
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
    ) as alone:
        try:
            await_status(f"{url}/readyz", 200)
            response = httpx.get(f"{url}/items", headers={"Authorization": f"Bearer {token}"})
            assert_problem(response, 503, "service-unavailable")
            assert int(response.headers["retry-after"]) > 0
            second = start_items(tmp_path, ISSUER=issuer)
            await_status(f"{url}/items", 200, dict(second.client.headers))
            second.stop()
        finally:
            alone.terminate()
        assert alone.wait(IDLE_SECONDS) == 0


def await_status(url: str, status: int, headers: dict[str, str] | None = None) -> None:
    """Ask until this is the answer."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, headers=headers).status_code == status:
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)
