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

from tests.conftest import ROOT, START_SECONDS
from tests.faults.slow_service import ENDLESS, SLOW, create_tables
from tests.workers import free_port

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
def service(tmp_path: Path) -> Iterator[SlowService]:
    url = f"sqlite:///{tmp_path / 'slow.sqlite'}"
    create_tables(url)
    service = SlowService(url, tmp_path)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.stop()


def test_reads_of_vanished_callers_leave_their_slots_to_others(service: SlowService) -> None:
    connections = [service.ask(f"/works/{ENDLESS}", "gone") for _ in range(30)]
    time.sleep(1)  # Some run by now, the others wait.
    for connection in connections:
        connection.close()
    begun = time.monotonic()
    response = service.get(f"/works/{SLOW}", client="gone")  # It had its whole share.
    seconds = time.monotonic() - begun
    print(f"answered {seconds:.2f} s after the others had left")  # noqa: T201 - said with -s
    assert response.status_code == 200, response.text
    assert seconds < SOON
    assert service.get("/notes").status_code == 200
