"""Runs a competitor's server over its restored database."""

import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.command_line import BenchmarkError
from benchmarks.competitors import Competitor
from benchmarks.databases import Database
from benchmarks.http_client import OK, send_request
from benchmarks.processes import free_port, minimal_environment, run_process, tree_memory

_START_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.005
_LOG_TAIL: Final = 600


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready. Times are in seconds since the start of its process."""

    competitor: Competitor
    database: Database
    port: int
    pid: int
    ready_after: float | None
    """First 200 of the readiness path; None if the competitor has none."""
    first_part_after: float
    """First 200 of an authorized GET of one part."""

    def measure_memory(self) -> dict[str, float]:
        """Return RSS and PSS of the process tree, MiB."""
        return tree_memory(self.pid)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What all servers of a run share."""

    issuer: str
    token: str
    core: int
    logs: Path


def migrate(competitor: Competitor, database: Database, settings: RunSettings) -> None:
    """Create the schema by the competitor's own means.

    Raises:
        BenchmarkError: The migration failed.
    """
    environment = competitor.build_environment(
        issuer=settings.issuer, url=database.url, port=free_port()
    )
    done = subprocess.run(
        competitor.migrate,
        cwd=competitor.cwd,
        env=minimal_environment(environment),
        capture_output=True,
        text=True,
        timeout=_START_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        tail = (done.stderr or done.stdout)[-_LOG_TAIL:]
        raise BenchmarkError(f"{competitor.title}: cannot create the schema:\n{tail}")


@contextmanager
def start_server(
    competitor: Competitor, database: Database, settings: RunSettings
) -> Iterator[Server]:
    """Restore the database and run the server over it until the block ends.

    Raises:
        BenchmarkError: It ended, or was not ready in time.
    """
    database.restore_snapshot()
    port = free_port()
    environment = competitor.build_environment(issuer=settings.issuer, url=database.url, port=port)
    path = settings.logs / f"{competitor.name}.log"
    with path.open("wb") as log:
        started = time.perf_counter()
        with run_process(
            competitor.serve,
            environment=environment,
            cwd=competitor.cwd,
            core=settings.core,
            log=log,
        ) as child:
            start = _Start(competitor, child, port, started, path)
            ready = start.wait_for_ok(competitor.ready_path) if competitor.ready_path else None
            first = start.wait_for_ok("/parts/1", settings.token)
            yield Server(competitor, database, port, child.pid, ready, first)


@dataclass(frozen=True, slots=True)
class _Start:
    """A server that is starting."""

    competitor: Competitor
    child: subprocess.Popen[bytes]
    port: int
    started: float
    log: Path

    def wait_for_ok(self, path: str, token: str | None = None) -> float:
        """Poll a path until the response is 200; return the seconds since the start."""
        seen = "no response"
        while time.perf_counter() - self.started < _START_SECONDS:
            if self.child.poll() is not None:
                seen = f"it exited with {self.child.returncode}"
                break
            try:
                response = send_request(self.port, path, token=token)
            except (OSError, http.client.HTTPException):
                time.sleep(_POLL_SECONDS)
                continue
            if response.status == OK:
                return time.perf_counter() - self.started
            seen = f"{response.status} {response.body[:200]!r}"
            time.sleep(_POLL_SECONDS)
        tail = self.log.read_text(errors="replace")[-_LOG_TAIL:].strip()
        raise BenchmarkError(f"{self.competitor.title}: no 200 for GET {path}: {seen}\n{tail}")
