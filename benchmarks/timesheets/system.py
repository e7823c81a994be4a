"""The system as a user starts it, `python -m api dev`, over an empty migrated database."""

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
from typing import Final
from urllib.parse import urlencode

from dotenv import dotenv_values

from benchmarks.command_line import BenchmarkError
from benchmarks.competitors import ROOT
from benchmarks.http_client import OK, send_request
from benchmarks.processes import free_port, minimal_environment, run_process

SCOPES: Final = "batch:upload create:timesheets read:timesheets"
_START_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class System:
    """A running service and its development issuer.

    Attributes:
        port: Port of the service.
        issuer: URL of the issuer.
        token: Access token with all scopes of the measurement.
        folder: Working directory, with the client's credentials in `.env.local`.
        pid: Id of the process that started all others.
    """

    port: int
    issuer: str
    token: str
    folder: Path
    pid: int

    def build_client_environment(self) -> dict[str, str]:
        """Return the environment variables of a client."""
        known = dotenv_values(self.folder / ".env.local")
        kept = {name: known[name] or "" for name in ("CLIENT_ID", "CLIENT_SECRET")}
        return {**kept, "ISSUER": self.issuer, "PYTHONPATH": str(ROOT)}


@contextmanager
def start_system(folder: Path, url: str, core: int) -> Iterator[System]:
    """Run the system on a core until the block ends.

    Args:
        folder: Working directory; must not exist or be empty.
        url: URL of the database, which is migrated.
        core: Core of service and issuer.

    Raises:
        BenchmarkError: It did not start.
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
        run_process(argv, environment=environment, cwd=folder, core=core, log=log) as child,
    ):
        _wait_until_ready(port, child, folder / "server.log")
        yield System(port, issuer, _request_token(issuer, folder), folder, child.pid)


def run_client(system: System, *arguments: str, core: int) -> subprocess.CompletedProcess[str]:
    """Run `python -m client` to its end on a core."""
    argv = ["taskset", "-c", str(core), sys.executable, "-m", "client", *arguments]
    return subprocess.run(
        argv,
        cwd=system.folder,
        env=minimal_environment(system.build_client_environment()),
        capture_output=True,
        text=True,
        check=False,
    )


def _wait_until_ready(port: int, child: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        try:
            if send_request(port, "/readyz").status == OK:
                return
        except OSError:
            pass
        time.sleep(_POLL_SECONDS)
    raise BenchmarkError(f"the system did not start:\n{log.read_text(errors='replace')[-600:]}")


def _request_token(issuer: str, folder: Path) -> str:
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
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != OK:
        raise BenchmarkError(f"no token: {response.status} {body[:200]!r}")
    token: str = json.loads(body)["access_token"]
    return token
