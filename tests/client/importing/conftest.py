"""Fixtures of imports: the real development issuer, and a fake upload API with prepared faults.

The fake implements the documented protocol: natural keys, idempotency keys, reports. The end-to-end
tests use the real service; these test what the job does without a response.
"""

import io
import json
import re
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from client.cli import main
from client.environment import Environment
from client.importing import ImportSettings, retries
from encore.client.settings import ClientSettings
from tests.client.conftest import SECRET
from tests.client.importing.imports import ServiceImports
from tests.fixtures.system import System, environment_of

COMMAND = [sys.executable, "-m", "client", "import"]
Key = tuple[str, str]
Entry = dict[str, Any]


class Fault(NamedTuple):
    """The fault of one request. Status 0: the connection is cut."""

    status: int = 0
    retry_after: str = ""
    body: bytes = b""
    carried_out: bool = False
    """Whether the rows are stored anyway."""


class UploadRequest(NamedTuple):
    """A request that the fake received."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def rows(self) -> list[Entry]:
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass
class FakeUploadApi:
    """A fake of POST /timesheets/upload."""

    url: str = ""
    entries: dict[Key, Entry] = field(default_factory=dict)
    requests: list[UploadRequest] = field(default_factory=list)
    faults: deque[Fault | None] = field(default_factory=deque)
    """Of the next requests; None: no fault."""
    responses: dict[str, bytes] = field(default_factory=dict)
    """By idempotency key."""

    def respond(self, request: UploadRequest) -> bytes:
        """Carry a request out, or return its earlier response."""
        if request.query.get("dry_run") == "true":
            return self._merge(request.rows, dict(self.entries))
        key = request.headers["idempotency-key"]
        if key not in self.responses:
            self.responses[key] = self._merge(request.rows, self.entries)
        return self.responses[key]

    def _merge(self, rows: list[Entry], entries: dict[Key, Entry]) -> bytes:
        counts = {"created": 0, "updated": 0, "unchanged": 0, "rejected": 0}
        report = []
        for line, row in enumerate(rows, 1):
            key = (row["source"], row["external_id"])
            if not 0 < row["hours"] <= 24:
                errors = [{"field": "hours", "message": f"hours must not be {row['hours']}"}]
                report.append({"line": line, "status": "rejected", "errors": errors})
                counts["rejected"] += 1
            elif entries.get(key) == row:
                counts["unchanged"] += 1
            else:
                counts["updated" if key in entries else "created"] += 1
                entries[key] = row
        return json.dumps({**counts, "rows": report}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: FakeUploadApi

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = UploadRequest(parts.path, query, headers, body)
        self.api.requests.append(request)
        fault = self.api.faults.popleft() if self.api.faults else None
        if fault is None:
            self._send(200, {"Content-Type": "application/json"}, self.api.respond(request))
            return
        if fault.carried_out:
            self.api.respond(request)
        if fault.status:
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            self._send(fault.status, headers, fault.body)
        else:
            self.close_connection = True

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def api() -> Iterator[FakeUploadApi]:
    """A fake API without entries."""
    api = FakeUploadApi()
    handler = type("Handler", (_Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    api.url = f"http://localhost:{server.server_port}/timesheets/upload"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield api
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def environment(issuer: str, api: FakeUploadApi) -> dict[str, str]:
    return {
        "ISSUER": issuer,
        "CLIENT_ID": "dev",
        "CLIENT_SECRET": SECRET,
        "SCOPE": "parts_manager",
        "IMPORT_URL": api.url,
    }


@pytest.fixture
def subprocess_options(environment: dict[str, str], tmp_path: Path) -> dict[str, Any]:
    """Arguments for subprocess."""
    return {"env": environment_of(**environment), "cwd": tmp_path, "text": True}


@pytest.fixture
def settings(issuer: str, api: FakeUploadApi) -> ImportSettings:
    """For the library."""
    client = ClientSettings(issuer=issuer, client_id="dev", client_secret=SECRET)
    return ImportSettings(client=client, url=api.url)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make waits between attempts short."""
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)


class RunResult(NamedTuple):
    """Exit code and output of a run."""

    code: int
    out: str
    err: str

    @property
    def total(self) -> int:
        """All rows in the summary."""
        return sum(int(number) for number in re.findall(r"(\d+) (?:created|un|up|rej)", self.err))


class ImportRun(NamedTuple):
    """Runs ``import timesheets`` in this process, with its state in the test's directory."""

    environment: dict[str, str]
    directory: Path

    def __call__(self, *argv: str | Path, stdin: bytes = b"", **environment: str) -> RunResult:
        out, err = io.StringIO(), io.StringIO()
        state = () if "--state" in argv else ("--state", str(self.state))
        process = Environment(
            ["import", "timesheets", *map(str, argv), *state],
            self.environment | environment,
            str(self.directory),
            io.TextIOWrapper(io.BytesIO(stdin)),
            out,
            err,
        )
        code = main(process)
        assert SECRET not in err.getvalue()
        assert "Traceback" not in err.getvalue()
        return RunResult(code, out.getvalue(), err.getvalue())

    @property
    def state(self) -> Path:
        return self.directory / "state"


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> ImportRun:
    return ImportRun(environment, tmp_path)


@pytest.fixture(scope="session")
def imports(system: System) -> ServiceImports:
    """Imports into the running service, over each database."""
    return ServiceImports(system, system.token("read:timesheets"))


HEADER = "user_id,date,project,hours,external_id"


def csv_of(*rows: str) -> str:
    """Return CSV in our names."""
    return "".join(f"{line}\n" for line in (HEADER, *rows))


def plain_rows(count: int, *, begin: int = 1) -> list[str]:
    """Return rows of CSV with the external ids E1, E2 and so on."""
    return [f"007,2017-05-10T08:00Z,StoreZero,7.5,E{n}" for n in range(begin, begin + count)]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A CSV file of five rows."""
    path = tmp_path / "export.csv"
    path.write_text(csv_of(*plain_rows(5)))
    return path
