"""Fixtures of the client: the real development issuer, a fake API, a runner of the command."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from client.cli import main
from client.environment import Environment
from tests.fixtures.system import START_SECONDS
from tests.fixtures.workers import free_port

ROOT = Path(__file__).parents[2]
SECRET = "the-secret-of-the-test"

ISSUER_SCRIPT = """
import sys
from encore.issuer import IssuerSettings
from encore.issuer.server import serve_issuer
from encore.server.development_logins import public_clients
serve_issuer(IssuerSettings(issuer=sys.argv[1], audience="api://default",
                            clients={"dev": sys.argv[2]},
                            public_clients=public_clients(3000),
                            default_scopes=["a", "b"]), ready=lambda: print("ready", flush=True))
"""


class FakeResponse(NamedTuple):
    """A response of a fake server."""

    status: int = 200
    body: bytes = b"[]"
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class ReceivedRequest(NamedTuple):
    """A request that a fake server received."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "")


class FakeServer:
    """A fake API or issuer: sends prepared responses and records requests."""

    def __init__(self) -> None:
        self.responses: list[FakeResponse] = []
        self.requests: list[ReceivedRequest] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://localhost:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def respond(
        self, status: int, body: Any, content_type: str = "application/json", **headers: str
    ) -> None:
        """Prepare a response: bytes unchanged, anything else as JSON; ``_`` is ``-`` in names."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.responses.append(FakeResponse(status, content, content_type, named))

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append(ReceivedRequest(self.command, self.path, headers, body))
                response = server.responses.pop(0) if server.responses else FakeResponse()
                self.send_response(response.status)
                self.send_header("Content-Type", response.content_type)
                length = {"Content-Length": str(len(response.body))}
                for header in (length | dict(response.headers)).items():
                    self.send_header(*header)
                self.end_headers()
                self.wfile.write(response.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _respond  # noqa: N815

            def log_message(self, *_: Any) -> None:
                return

        return Handler


@pytest.fixture
def fake_server() -> Iterator[Callable[[], FakeServer]]:
    """Start fake servers; they are stopped after the test."""
    servers: list[FakeServer] = []

    def make() -> FakeServer:
        servers.append(FakeServer())
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def api(fake_server: Callable[[], FakeServer]) -> FakeServer:
    return fake_server()


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """The real development issuer, in a separate process."""
    url = f"http://localhost:{free_port()}/oauth2/default"
    process = subprocess.Popen(
        [sys.executable, "-c", ISSUER_SCRIPT, url, SECRET],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield url
    process.terminate()
    process.communicate(timeout=START_SECONDS)


@pytest.fixture
def environment(issuer: str) -> dict[str, str]:
    return {
        "ISSUER": issuer,
        "CLIENT_ID": "dev",
        "CLIENT_SECRET": SECRET,
        "SCOPE": "parts_manager",
        "AUDIENCE": "api://default",
    }


class RunResult(NamedTuple):
    """Exit code and output of a run."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Run(NamedTuple):
    """Runs the client in this process; the secret must never be printed."""

    environment: dict[str, str]
    directory: Path

    def __call__(self, *argv: str, stdin: str = "", **environment: str | None) -> RunResult:
        out, err = io.StringIO(), io.StringIO()
        merged = {"XDG_STATE_HOME": str(self.directory / "state")} | self.environment | environment
        variables = {name: value for name, value in merged.items() if value is not None}
        code = main(Environment(argv, variables, str(self.directory), io.StringIO(stdin), out, err))
        assert SECRET not in out.getvalue() + err.getvalue()
        assert "Traceback" not in err.getvalue()
        return RunResult(code, out.getvalue(), err.getvalue())


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    return Run(environment, tmp_path)
