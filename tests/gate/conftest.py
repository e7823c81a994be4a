"""The service as it runs, ``python -m api``, in front of an issuer of the tests' own."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.auth.conftest import LocalIssuer, Signer
from tests.conftest import ROOT, START_SECONDS, environment_of
from tests.workers import free_port

LOG = "log.txt"
SCOPES = {
    "approve:timesheets",
    "batch:upload",
    "create:timesheets",
    "delete:timesheets",
    "parts_manager",
    "read:messages",
    "read:timesheets",
}
"""Every scope that the service asks for anywhere."""


class RunningGate:
    """One service, its directory, and tokens that it takes."""

    def __init__(self, directory: Path, issuer: LocalIssuer, signer: Signer) -> None:
        self.directory = directory
        self.issuer = issuer
        self.signer = signer
        self.url = ""
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **settings: str) -> None:
        """Migrate a database and serve it, with the request log in a file."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        given = {
            "ISSUER": self.issuer.issuer,
            "SERVER_PORT": str(port),
            "DATABASE_URL": f"sqlite:///{self.directory / 'gate.sqlite'}",
        }
        self.environment = environment_of(**(given | settings))
        subprocess.run(
            [
                sys.executable,
                "-m",
                "alembic",
                "-c",
                str(ROOT / "pyproject.toml"),
                "upgrade",
                "head",
            ],
            cwd=self.directory,
            env=self.environment,
            check=True,
            capture_output=True,
        )
        with (self.directory / LOG).open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api"],
                cwd=self.directory,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(self.log())
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End it as a supervisor does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(10)

    def log(self) -> str:
        """Give all that it has written."""
        return (self.directory / LOG).read_text()

    def lines(self) -> list[dict[str, Any]]:
        """Give the lines of the request log."""
        lines = (json.loads(line) for line in self.log().splitlines() if line.startswith("{"))
        return [line for line in lines if line["event"] == "request"]

    def line_of(self, response: httpx.Response) -> dict[str, Any]:
        """Give the line about one request, which is written after its answer."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for line in self.lines():
                if line["request_id"] == response.headers["x-request-id"]:
                    return line
            time.sleep(0.01)
        return pytest.fail("the request is not in the log")

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Give a token that is good now, but for these changes; ``...`` leaves out."""
        now = int(time.time())
        given = {"iss": self.issuer.issuer, "iat": now - 10, "exp": now + 3600} | claims
        return self.signer.token(header, **given).decode()

    def bearer(self, *, header: dict[str, Any] | None = None, **claims: Any) -> dict[str, str]:
        """Give the header field that carries such a token."""
        return {"Authorization": f"Bearer {self.token(header, **claims)}"}

    def rows(self) -> list[Any]:
        """Give what is in the database, past the service."""
        with closing(sqlite3.connect(self.directory / "gate.sqlite")) as connection:
            return connection.execute("SELECT * FROM parts").fetchall()


StartGate = Callable[..., RunningGate]


@pytest.fixture(scope="module")
def module_issuer() -> Iterator[LocalIssuer]:
    issuer = LocalIssuer()
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def start_gate(
    tmp_path_factory: pytest.TempPathFactory, module_issuer: LocalIssuer
) -> Iterator[StartGate]:
    """Start services with settings of one's own; all end with the module."""
    signer = Signer("key-1")
    module_issuer.discovery()
    module_issuer.keys(signer.jwk)
    started: list[RunningGate] = []

    def start(**settings: str) -> RunningGate:
        gate = RunningGate(tmp_path_factory.mktemp("gate"), module_issuer, signer)
        started.append(gate)
        gate.start(**settings)
        return gate

    yield start
    for gate in started:
        gate.stop()


@pytest.fixture(scope="module")
def gate(start_gate: StartGate) -> RunningGate:
    """A service that trusts the one issuer and has no other settings."""
    return start_gate()


@pytest.fixture(scope="module")
def forger() -> Signer:
    """Another's key under the name of the issuer's."""
    return Signer("key-1")
