"""The whole system as a user starts it, `python -m api dev`, over an empty migrated database."""

import http.client
import json
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from dotenv import dotenv_values

from benchmarks.errors import BenchmarkError
from benchmarks.exchange import ask
from benchmarks.processes import free_port, minimal_environment, running
from benchmarks.stacks import ROOT

SCOPES = "batch:upload create:timesheets read:timesheets"
_START_SECONDS = 30.0
_POLL_SECONDS = 0.05
_OK = 200


@dataclass(frozen=True, slots=True)
class System:
    """A running service and its development issuer.

    Attributes:
        port: The service's.
        issuer: The issuer's URL.
        token: Holds all scopes of the measurement.
        folder: Where it runs, with the client's credentials in `.env.local`.
        pid: The process that started all.
    """

    port: int
    issuer: str
    token: str
    folder: Path
    pid: int

    def environment(self) -> dict[str, str]:
        """Return what a client of it needs."""
        known = dotenv_values(self.folder / ".env.local")
        kept = {name: known[name] or "" for name in ("CLIENT_ID", "CLIENT_SECRET")}
        return {**kept, "ISSUER": self.issuer, "PYTHONPATH": str(ROOT)}


@contextmanager
def serving(folder: Path, url: str, core: int) -> Iterator[System]:
    """Start the system on one core and stop it with the block.

    Args:
        folder: An empty one.
        url: The database's URL; the start migrates it.
        core: The core of service and issuer.

    Raises:
        BenchmarkError: It did not come up.
    """
    folder.mkdir(parents=True)
    port, issuer = free_port(), f"http://localhost:{free_port()}/oauth2/default"
    environment = {
        "DATABASE_URL": url,
        "SERVER_PORT": str(port),
        "ISSUER": issuer,
        "LOG_LEVEL": "warning",
        "PYTHONPATH": str(ROOT),
    }
    argv = [sys.executable, "-m", "api", "dev"]
    with (
        (folder / "server.log").open("wb") as log,
        running(argv, environment=environment, cwd=folder, core=core, log=log) as child,
    ):
        _wait(port, child, folder / "server.log")
        yield System(port, issuer, _token(issuer, folder), folder, child.pid)


def run_client(system: System, *arguments: str, core: int) -> subprocess.CompletedProcess[str]:
    """Run `python -m client` to its end, on a core of its own."""
    argv = ["taskset", "-c", str(core), sys.executable, "-m", "client", *arguments]
    return subprocess.run(
        argv,
        cwd=system.folder,
        env=minimal_environment(system.environment()),
        capture_output=True,
        text=True,
        check=False,
    )


def _wait(port: int, child: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        try:
            if ask(port, "/readyz").status == _OK:
                return
        except OSError:
            pass
        time.sleep(_POLL_SECONDS)
    raise BenchmarkError(f"the system did not start:\n{log.read_text(errors='replace')[-600:]}")


def _token(issuer: str, folder: Path) -> str:
    known = dotenv_values(folder / ".env.local")
    pair = f"{known['CLIENT_ID']}:{known['CLIENT_SECRET']}".encode()
    host, _, path = issuer.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=_START_SECONDS)
    try:
        connection.request(
            "POST",
            f"/{path}/v1/token",
            urlencode({"grant_type": "client_credentials", "scope": SCOPES}),
            {
                "Authorization": f"Basic {b64encode(pair).decode()}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != _OK:
        raise BenchmarkError(f"no token: {answer.status} {body[:200]!r}")
    token: str = json.loads(body)["access_token"]
    return token
