"""``python -m api`` as a separate process, under limits that the test sets."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from alembic import command

from tests.fixtures.databases import alembic_config
from tests.fixtures.system import START_SECONDS, environment_of
from tests.fixtures.workers import free_port

HOST = "127.0.0.1"
GET_LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass
class ServiceProcess:
    """A running service without an issuer: health checks work, other routes need one."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://{HOST}:{self.port}"

    def connect(self, timeout: float = START_SECONDS) -> socket.socket:
        """Open a connection; the timeout, in seconds, also applies to later reads."""
        return socket.create_connection((HOST, self.port), timeout)

    def live_seconds(self, timeout: float = START_SECONDS) -> float:
        """Request ``/livez`` on a new connection; return the response time in seconds."""
        started = time.perf_counter()
        with self.connect(timeout) as connection:
            connection.sendall(GET_LIVE)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        return time.perf_counter() - started

    def ready_status(self) -> int:
        """Request ``/readyz`` on a new connection; return the status."""
        return httpx.get(f"{self.url}/readyz").status_code


@contextlib.contextmanager
def running_service(
    directory: Path, *, descriptors: int | None = None, **settings: str
) -> Iterator[ServiceProcess]:
    """Run ``python -m api`` over a new, migrated SQLite file; yield it once it is ready.

    Args:
        directory: The working directory; holds the database file and the output.
        descriptors: The hard limit of open files; None for that of this process.
        settings: Environment variables.
    """
    url = f"sqlite:///{directory / 'dev.sqlite'}"
    command.upgrade(alembic_config(url), "head")
    port = free_port()
    environment = environment_of(
        **{
            "SERVER_PORT": str(port),
            "DATABASE_URL": url,
            "ISSUER": "http://localhost:1/oauth2/default",
            "LOG_LEVEL": "warning",
            **settings,
        }
    )
    output = directory / "service.txt"
    limit = "" if descriptors is None else f"ulimit -n {descriptors} && "
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f'{limit}exec "$0" -m api', sys.executable],
            cwd=directory,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = ServiceProcess(process, port, output)
    try:
        _wait_until_ready(service)
        yield service
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_ready(service: ServiceProcess) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError):
            if service.ready_status() == httpx.codes.OK:
                return
        assert service.process.poll() is None, service.output.read_text()
        assert time.monotonic() < deadline, service.output.read_text()
        time.sleep(0.02)
