"""A read ends after its caller has disconnected and releases its thread or connection."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from tests.faults.slow_service import ENDLESS, SLOW, create_tables
from tests.fixtures.databases import database_url as database_url  # noqa: PLC0414 - a fixture
from tests.fixtures.system import ROOT, START_SECONDS
from tests.fixtures.workers import free_port

pytestmark = pytest.mark.processes

SOON = 5.0
"""In seconds, for a busy machine; an endless statement is stopped after ten."""


class SlowService:
    """A running ``tests.faults.slow_service``."""

    def __init__(self, url: str, directory: Path) -> None:
        self.port = free_port()
        self.output = directory / "slow_service.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.slow_service", url, str(self.port)],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def get(self, path: str, client: str = "other") -> httpx.Response:
        return httpx.get(
            f"http://127.0.0.1:{self.port}{path}", headers={"X-Client": client}, timeout=60
        )

    def send_request(self, path: str, client: str) -> socket.socket:
        """Send a request; return the connection, from which nothing is read."""
        connection = socket.create_connection(("127.0.0.1", self.port), 30)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Client: {client}\r\n\r\n".encode())
        return connection

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                if self.get("/notes/1").status_code == 200:
                    return
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[SlowService]:
    create_tables(database_url)
    service = SlowService(database_url, tmp_path)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.stop()


@contextlib.contextmanager
def endless_reads(service: SlowService) -> Iterator[None]:
    """Send more endless reads than one client's share; disconnect at the end of the block."""
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(service.send_request(f"/works/{ENDLESS}", "gone"))
        time.sleep(1)  # Some are running, the others wait.
        yield


def test_reads_of_disconnected_callers_release_their_slots(service: SlowService) -> None:
    with endless_reads(service):
        pass
    started = time.monotonic()
    response = service.get(f"/works/{SLOW}", client="gone")  # Its whole share was in use.
    seconds = time.monotonic() - started
    print(f"answered {seconds:.2f} s after the others had left")  # noqa: T201 - said with -s
    assert response.status_code == 200, response.text
    assert seconds < SOON
    assert service.get("/notes").status_code == 200


def test_connections_of_disconnected_readers_are_reused(
    service: SlowService, database_url: str
) -> None:
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite has no server")
    with endless_reads(service):
        active = {pid for pid, state in backends(database_url).items() if state == "active"}
    assert len(active) > 1
    assert service.get(f"/works/{SLOW}", "gone").status_code == 200
    for _ in range(10):
        assert service.get("/notes").status_code == 200
    later = backends(database_url)
    assert active <= later.keys()
    assert set(later.values()) == {"idle"}


def backends(url: str) -> dict[int, str]:
    """Return the states of the service's backends by process id."""
    states: dict[int, str] = {}

    def select(connection: sa.Connection) -> None:
        rows = connection.exec_driver_sql(
            "SELECT pid, state FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        states.update((row[0], row[1]) for row in rows)

    with_connection(url, select)
    return states
