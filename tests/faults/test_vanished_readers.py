"""A read ends when its caller has left: its thread or connection is free for others, soon."""

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
"""In seconds, for a busy machine; an endless statement runs into its limit of ten."""


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

    def ask(self, path: str, client: str) -> socket.socket:
        """Send a request; return the connection on which nothing has been read."""
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
    """Ask for more than one client's share of endless reads; leave at the end of the block."""
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(service.ask(f"/works/{ENDLESS}", "gone"))
        time.sleep(1)  # Some run by now, the others wait.
        yield


def test_reads_of_vanished_callers_leave_their_slots_to_others(service: SlowService) -> None:
    with endless_reads(service):
        pass
    begun = time.monotonic()
    response = service.get(f"/works/{SLOW}", client="gone")  # It had its whole share.
    seconds = time.monotonic() - begun
    print(f"answered {seconds:.2f} s after the others had left")  # noqa: T201 - said with -s
    assert response.status_code == 200, response.text
    assert seconds < SOON
    assert service.get("/notes").status_code == 200


def test_connections_of_vanished_readers_are_used_again_and_clean(
    service: SlowService, database_url: str
) -> None:
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite has no server that would know")
    with endless_reads(service):
        running = {pid for pid, state in backends(database_url).items() if state == "active"}
    assert len(running) > 1
    assert service.get(f"/works/{SLOW}", "gone").status_code == 200
    for _ in range(10):
        assert service.get("/notes").status_code == 200
    after = backends(database_url)
    assert running <= after.keys()
    assert set(after.values()) == {"idle"}


def backends(url: str) -> dict[int, str]:
    """Return the states of the service's connections, as the server sees them, by process id."""
    found: dict[int, str] = {}

    def look(connection: sa.Connection) -> None:
        rows = connection.exec_driver_sql(
            "SELECT pid, state FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        found.update((row[0], row[1]) for row in rows)

    with_connection(url, look)
    return found
