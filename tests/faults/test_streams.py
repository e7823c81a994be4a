"""Streams on real sockets: stalled readers, disconnects, and failures during the stream."""

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
"""More than there are threads or connections for reads."""

MEBIBYTE = 1024 * 1024


class ExportService:
    """A running ``tests.faults.export_service``."""

    def __init__(self, url: str, directory: Path, send_seconds: float = SEND_SECONDS) -> None:
        self.url = url
        self.port = free_port()
        self._requested = 0
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

    def open_stream(self, accept: str = "text/csv", coding: str = "identity") -> socket.socket:
        """Request a stream; return the connection, from which nothing is read."""
        self._requested += 1
        connection = socket.socket()
        # Small, and set before connecting: otherwise the system's buffers hold megabytes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", self.port))
        head = f"GET /rows HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n"
        connection.sendall(f"{head}Accept-Encoding: {coding}\r\nConnection: close\r\n\r\n".encode())
        return connection

    def sql(self, *statements: str) -> list[Any]:
        """Run SQL on another connection; return the rows of the last statement."""
        rows: list[Any] = []

        def run(connection: sa.Connection) -> None:
            for statement in statements:
                result = connection.exec_driver_sql(statement)
                rows[:] = [tuple(row) for row in result] if result.returns_rows else []
            connection.commit()

        with_connection(self.url, run)
        return rows

    def anonymous_memory(self) -> int:
        """Return the anonymous memory of all its processes in bytes."""
        matches = (re.search(r"RssAnon:\s+(\d+) kB", text) for text in self._read_proc("status"))
        return sum(int(match[1]) * 1024 for match in matches if match)

    def processor_time(self) -> float:
        """Return the processor time of all its processes in seconds."""
        total = 0
        for stat in self._read_proc("stat"):
            fields = stat.rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def _read_proc(self, name: str) -> Iterator[str]:
        """Yield the content of a file in /proc for each of its processes."""
        group = os.getpgid(self._process.pid)
        for file in Path("/proc").glob(f"[0-9]*/{name}"):
            with contextlib.suppress(OSError):
                if os.getpgid(int(file.parent.name)) == group:
                    yield file.read_text()

    def log_lines(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of an event."""
        matches = []
        for line in self._output.read_text().splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict) and record.get("event") == event:
                    matches.append(record)
        return matches

    def wait_for_log_line(self) -> dict[str, Any]:
        """Wait for the log line of the last requested stream; return it."""
        wait_until(lambda: len(self._stream_log_lines()) == self._requested)
        return self._stream_log_lines()[-1]

    def _stream_log_lines(self) -> list[dict[str, Any]]:
        return [line for line in self.log_lines("request") if "rows" in line]

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


def wait_until(find: Callable[[], Any]) -> Any:
    """Wait until the function returns a true value; return it."""
    deadline = time.monotonic() + SOON
    while not (matches := find()):
        assert time.monotonic() < deadline, "not found"
        time.sleep(0.02)
    return matches


@pytest.fixture(scope="module", params=DATABASES)
def running_export(
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
def service(running_export: ExportService) -> ExportService:
    fill(running_export.url)
    return running_export


def read_to_end(connection: socket.socket) -> bytes:
    """Read to the end of the connection."""
    chunks = []
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(MEBIBYTE):
            chunks.append(chunk)
    return b"".join(chunks)


def decode_body(response: bytes) -> bytes:
    """Return the body of a chunked response, without an incomplete last chunk."""
    head, _, rest = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    assert b"transfer-encoding: chunked" in head.lower()
    body = bytearray()
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        rest = rest[length + 2 :]
    return bytes(body)


def test_stalled_readers_hold_no_memory_and_no_snapshot(service: ExportService) -> None:
    before = service.anonymous_memory()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(service.open_stream()) for _ in range(STALLED)]
        wait_until(lambda: is_idle(service))
        assert service.anonymous_memory() - before < STALLED * 8 * MEBIBYTE
        assert service.get("/rows/1").status_code == 200
        service.sql(f"DELETE FROM rows WHERE id > {ROWS - 1_000}")
        if service.url.startswith("sqlite"):
            # A snapshot held by a reader would prevent a complete checkpoint.
            path = service.url.removeprefix("sqlite:///")
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
                checkpoint = file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            assert checkpoint == [(0, 0, 0)]
        else:
            assert service.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'encore'"
                " AND (state <> 'idle' OR backend_xmin IS NOT NULL)"
            ) == [(0,)]
        rows = decode_body(read_to_end(connections[0])).decode().split("\r\n")[1:-1]
        assert [int(row.partition(",")[0]) for row in rows] == list(range(1, ROWS - 999))


def is_idle(service: ExportService) -> bool:
    """Return whether the service uses no processor time: everything sendable is sent."""
    started = service.processor_time()
    time.sleep(0.3)
    return service.processor_time() - started < 0.05


def test_stream_ends_after_its_reader_has_disconnected(service: ExportService) -> None:
    with service.open_stream() as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    line = service.wait_for_log_line()
    assert (line["status"], line["reason"]) == (200, "client-closed-request")
    assert 0 < line["rows"] < ROWS


def test_stream_to_a_stalled_reader_is_aborted_at_the_send_timeout(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rows.sqlite'}"
    fill(url)
    service = ExportService(url, tmp_path, send_seconds=0.5)
    try:
        service.wait_until_ready()
        with service.open_stream() as connection:
            line = service.wait_for_log_line()
            assert (line["status"], line["reason"]) == (200, "client-stalled")
            response = read_to_end(connection)
        assert response.startswith(b"HTTP/1.1 200 ")
        assert not response.endswith(LAST_CHUNK)
    finally:
        service.stop()


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_failed_stream_is_incomplete(service: ExportService, coding: str) -> None:
    with service.open_stream("application/x-ndjson", coding) as connection:
        first = connection.recv(4096)
        service.sql("ALTER TABLE rows RENAME TO gone")
        response = first + read_to_end(connection)
    service.sql("ALTER TABLE gone RENAME TO rows")
    assert not response.endswith(LAST_CHUNK)
    body = decode_body(response)
    if coding == "gzip":
        stream = zlib.decompressobj(31)
        body = stream.decompress(body)
        assert not stream.eof
    assert body.count(b"\n") < ROWS
    line = service.wait_for_log_line()
    assert (line["status"], line["reason"]) == (200, "internal-error")
    assert line["cause"] in ("SQLITE_ERROR", "42P01")
    assert service.log_lines("request failed")


def test_complete_stream_has_its_last_chunk_and_a_log_line(
    service: ExportService,
) -> None:
    with service.open_stream() as connection:
        response = read_to_end(connection)
    assert response.endswith(LAST_CHUNK)
    body = decode_body(response)
    assert body.count(b"\r\n") == 1 + ROWS
    line = service.wait_for_log_line()
    assert (line["status"], line["reason"]) == (200, None)
    assert (line["rows"], line["bytes"]) == (ROWS, len(body))
    assert line["milliseconds"] > 0
