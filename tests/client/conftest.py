"""Real parts for the client: the development issuer, a stand-in API, a directory of settings."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from client.cli import main
from client.environment import Environment
from tests.workers import free_port

ROOT = Path(__file__).parents[2]
SECRET = "the-secret-of-the-test"

ISSUER_SCRIPT = """
import sys
from encore.issuer import IssuerSettings
from encore.issuer.server import serve
serve(IssuerSettings(issuer=sys.argv[1], audience="api://default", clients={"dev": sys.argv[2]},
                     default_scopes=["a"]), ready=lambda: print("ready", flush=True))
"""


class Canned(NamedTuple):
    """An answer of the stand-in API."""

    status: int = 200
    body: bytes = b"[]"
    content_type: str = "application/json"


class Seen(NamedTuple):
    """A request that the stand-in API got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "")


class StandIn:
    """An API, or an issuer, that answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Canned] = []
        self.seen: list[Seen] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://localhost:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, status: int, body: Any, content_type: str = "application/json") -> None:
        """Add an answer: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append(Canned(status, content, content_type))

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                standin.seen.append(Seen(self.command, self.path, headers, body))
                canned = standin.answers.pop(0) if standin.answers else Canned()
                self.send_response(canned.status)
                self.send_header("Content-Type", canned.content_type)
                self.send_header("Content-Length", str(len(canned.body)))
                self.end_headers()
                self.wfile.write(canned.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                return

        return Handler


@pytest.fixture
def standin() -> Iterator[Callable[[], StandIn]]:
    """Make stand-ins, stopped at the end."""
    made: list[StandIn] = []

    def make() -> StandIn:
        made.append(StandIn())
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def api(standin: Callable[[], StandIn]) -> StandIn:
    return standin()


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """The real development issuer, in a process of its own."""
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
    process.communicate(timeout=5)


@pytest.fixture
def environment(issuer: str) -> dict[str, str]:
    return {
        "ISSUER": issuer,
        "CLIENT_ID": "dev",
        "CLIENT_SECRET": SECRET,
        "SCOPE": "parts_manager",
        "AUDIENCE": "api://default",
    }


class Outcome(NamedTuple):
    """What a run of the client left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Run(NamedTuple):
    """Runs the client in this process; secret and token must never be shown."""

    environment: dict[str, str]
    directory: Path

    def __call__(self, *argv: str, stdin: str = "", **environment: str | None) -> Outcome:
        merged = self.environment | environment
        out, err = io.StringIO(), io.StringIO()
        told = {name: value for name, value in merged.items() if value is not None}
        context = Environment(argv, told, str(self.directory), io.StringIO(stdin), out, err)
        code = main(context)
        assert SECRET not in out.getvalue() + err.getvalue()
        assert "Traceback" not in err.getvalue()
        return Outcome(code, out.getvalue(), err.getvalue())


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    return Run(environment, tmp_path)
