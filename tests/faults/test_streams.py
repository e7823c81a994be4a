"""Streams on real sockets: slow readers, readers who leave, and failures in the middle."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from encore.streams.operation import SEND_SECONDS
from tests.faults.export_service import ROWS, Base, fill
from tests.fixtures.in_process import postgres_with
from tests.fixtures.system import ROOT, START_SECONDS
from tests.fixtures.workers import DATABASES, free_port

pytestmark = pytest.mark.processes

LAST_CHUNK = b"0\r\n\r\n"
SOON = 20.0
"""In seconds, for a busy machine."""

STALLED = 12
"""More than there are threads or connections for reading."""

MEBIBYTE = 1024 * 1024


class ExportService:
    """A running ``tests.faults.export_service``."""

    def __init__(self, url: str, directory: Path, send_seconds: float = SEND_SECONDS) -> None:
        self.url = url
        self.port = free_port()
        self._asked = 0
        self._output = directory / "export_service.txt"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.faults.export_service",
                    url,
                    str(self.port),
                    str(send_seconds),
                ],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=60)

    def ask(self, accept: str = "text/csv", coding: str = "identity") -> socket.socket:
        """Ask for a stream; return the connection, of which nothing has been read."""
        self._asked += 1
        connection = socket.socket()
        # Small, and set before the connection is made: else the system's buffers hold megabytes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", self.port))
        head = f"GET /rows HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n"
        connection.sendall(f"{head}Accept-Encoding: {coding}\r\nConnection: close\r\n\r\n".encode())
        return connection

    def sql(self, *statements: str) -> list[Any]:
        """Run SQL from outside; return the rows of the last statement."""
        rows: list[Any] = []

        def run(connection: sa.Connection) -> None:
            for statement in statements:
                result = connection.exec_driver_sql(statement)
                rows[:] = [tuple(row) for row in result] if result.returns_rows else []
            connection.commit()

        with_connection(self.url, run)
        return rows

    def anonymous_memory(self) -> int:
        """Return the memory of all its processes, mapped files left out, in bytes."""
        found = (re.search(r"RssAnon:\s+(\d+) kB", text) for text in self._of_processes("status"))
        return sum(int(one[1]) * 1024 for one in found if one)

    def processor_time(self) -> float:
        """Return what all its processes have used, in seconds."""
        total = 0
        for stat in self._of_processes("stat"):
            fields = stat.rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def _of_processes(self, name: str) -> Iterator[str]:
        """Yield the text of a file in /proc, for each of its processes."""
        group = os.getpgid(self._process.pid)
        for file in Path("/proc").glob(f"[0-9]*/{name}"):
            with contextlib.suppress(OSError):
                if os.getpgid(int(file.parent.name)) == group:
                    yield file.read_text()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of the log of an event."""
        found = []
        for line in self._output.read_text().splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict) and record.get("event") == event:
                    found.append(record)
        return found

    def line_of_stream(self) -> dict[str, Any]:
        """Wait for the line of the stream that was asked for last; return it."""
        until(lambda: len(self._lines_of_streams()) == self._asked)
        return self._lines_of_streams()[-1]

    def _lines_of_streams(self) -> list[dict[str, Any]]:
        return [line for line in self.lines("request") if "rows" in line]

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                if self.get("/rows/1").status_code == 200:
                    return
            assert self._process.poll() is None, self._output.read_text()
            assert time.monotonic() < deadline, self._output.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)


def until(look: Callable[[], Any]) -> Any:
    """Wait until something is found; return it."""
    deadline = time.monotonic() + SOON
    while not (found := look()):
        assert time.monotonic() < deadline, "not found"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module", params=DATABASES)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExportService]:
    directory = tmp_path_factory.mktemp("export")
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{directory / 'rows.sqlite'}"
        else:
            server = request.getfixturevalue("postgres_url")
            url = stack.enter_context(postgres_with(Base.metadata, server))
        fill(url)
        service = ExportService(url, directory)
        stack.callback(service.stop)
        service.wait_until_ready()
        yield service


@pytest.fixture
def service(running: ExportService) -> ExportService:
    fill(running.url)
    return running


def rest_of(connection: socket.socket) -> bytes:
    """Read to the end of the connection."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(MEBIBYTE):
            pieces.append(piece)
    return b"".join(pieces)


def body_of(answer: bytes) -> bytes:
    """Return the body of an answer, as far as its chunks have come whole."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    assert b"transfer-encoding: chunked" in head.lower()
    body = bytearray()
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        rest = rest[length + 2 :]
    return bytes(body)


def test_readers_who_read_nothing_hold_neither_memory_nor_database(service: ExportService) -> None:
    before = service.anonymous_memory()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(service.ask()) for _ in range(STALLED)]
        until(lambda: is_idle(service))
        assert service.anonymous_memory() - before < STALLED * 8 * MEBIBYTE
        assert service.get("/rows/1").status_code == 200
        service.sql(f"DELETE FROM rows WHERE id > {ROWS - 1_000}")
        if service.url.startswith("sqlite"):
            # A snapshot that a reader holds would keep the log from being written back whole.
            path = service.url.removeprefix("sqlite:///")
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
                checkpoint = file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            assert checkpoint == [(0, 0, 0)]
        else:
            assert service.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'encore'"
                " AND (state <> 'idle' OR backend_xmin IS NOT NULL)"
            ) == [(0,)]
        rows = body_of(rest_of(connections[0])).decode().split("\r\n")[1:-1]
        assert [int(row.partition(",")[0]) for row in rows] == list(range(1, ROWS - 999))


def is_idle(service: ExportService) -> bool:
    """Return whether it works no more: what can be sent has been."""
    begun = service.processor_time()
    time.sleep(0.3)
    return service.processor_time() - begun < 0.05


def test_stream_whose_reader_has_left_ends(service: ExportService) -> None:
    with service.ask() as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    line = service.line_of_stream()
    assert (line["status"], line["reason"]) == (200, "client-closed-request")
    assert 0 < line["rows"] < ROWS


def test_stream_whose_reader_reads_nothing_for_long_is_cut_off(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rows.sqlite'}"
    fill(url)
    service = ExportService(url, tmp_path, send_seconds=0.5)
    try:
        service.wait_until_ready()
        with service.ask() as connection:
            line = service.line_of_stream()
            assert (line["status"], line["reason"]) == (200, "client-stalled")
            answer = rest_of(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert not answer.endswith(LAST_CHUNK)
    finally:
        service.stop()


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_stream_that_fails_in_the_middle_never_looks_whole(
    service: ExportService, coding: str
) -> None:
    with service.ask("application/x-ndjson", coding) as connection:
        first = connection.recv(4096)
        service.sql("ALTER TABLE rows RENAME TO gone")
        answer = first + rest_of(connection)
    service.sql("ALTER TABLE gone RENAME TO rows")
    assert not answer.endswith(LAST_CHUNK)
    body = body_of(answer)
    if coding == "gzip":
        stream = zlib.decompressobj(31)
        body = stream.decompress(body)
        assert not stream.eof
    assert body.count(b"\n") < ROWS
    line = service.line_of_stream()
    assert (line["status"], line["reason"]) == (200, "internal-error")
    assert line["cause"] in ("SQLITE_ERROR", "42P01")
    assert service.lines("request failed")


def test_whole_stream_has_its_last_chunk_and_a_line_with_rows_and_bytes(
    service: ExportService,
) -> None:
    with service.ask() as connection:
        answer = rest_of(connection)
    assert answer.endswith(LAST_CHUNK)
    body = body_of(answer)
    assert body.count(b"\r\n") == 1 + ROWS
    line = service.line_of_stream()
    assert (line["status"], line["reason"]) == (200, None)
    assert (line["rows"], line["bytes"]) == (ROWS, len(body))
    assert line["milliseconds"] > 0
