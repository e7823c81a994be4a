"""A stack's server, from process start to its end, over a database set back to pristine."""

import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.exchange import ask
from benchmarks.processes import free_port, minimal_environment, running, tree_memory
from benchmarks.stacks import Stack
from benchmarks.stores import Store

_START_SECONDS = 30.0
_POLL_SECONDS = 0.005
_LOG_TAIL = 600
_OK = 200


@dataclass(frozen=True, slots=True)
class Server:
    """A server that has answered. Times are in seconds since its process was started."""

    stack: Stack
    store: Store
    port: int
    pid: int
    ready_after: float | None
    """First 200 of the readiness path; None where the stack has none."""
    first_part_after: float
    """First 200 of an authorized GET of one part."""

    def memory(self) -> dict[str, float]:
        """Return RSS and PSS of the whole process tree, MiB."""
        return tree_memory(self.pid)


@dataclass(frozen=True, slots=True)
class Setting:
    """What every server of a run shares."""

    issuer: str
    token: str
    core: int
    logs: Path


def migrate(stack: Stack, store: Store, setting: Setting) -> None:
    """Let a stack make its own schema in its live database.

    Raises:
        BenchmarkError: its migration failed.
    """
    environment = stack.environment(issuer=setting.issuer, url=store.url, port=free_port())
    answer = subprocess.run(
        stack.migrate,
        cwd=stack.cwd,
        env=minimal_environment(environment),
        capture_output=True,
        text=True,
        timeout=_START_SECONDS,
        check=False,
    )
    if answer.returncode != 0:
        tail = (answer.stderr or answer.stdout)[-_LOG_TAIL:]
        raise BenchmarkError(f"{stack.title}: its schema could not be made:\n{tail}")


@contextmanager
def serving(stack: Stack, store: Store, setting: Setting) -> Iterator[Server]:
    """Run a stack's server over its pristine database; end it with the block.

    Raises:
        BenchmarkError: it ended, or gave no 200, within the time a start may take.
    """
    store.reset()
    port = free_port()
    environment = stack.environment(issuer=setting.issuer, url=store.url, port=port)
    path = setting.logs / f"{stack.name}.log"
    with path.open("wb") as log:
        begun = time.perf_counter()
        with running(
            stack.serve, environment=environment, cwd=stack.cwd, core=setting.core, log=log
        ) as child:
            start = _Start(stack, child, port, begun, path)
            ready = None if stack.ready_path is None else start.first_ok(stack.ready_path, None)
            first = start.first_ok("/parts/1", setting.token)
            yield Server(stack, store, port, child.pid, ready, first)


@dataclass(frozen=True, slots=True)
class _Start:
    """A start that is under way."""

    stack: Stack
    child: subprocess.Popen[bytes]
    port: int
    begun: float
    log: Path

    def first_ok(self, path: str, token: str | None) -> float:
        """Ask until the answer is 200; return the seconds since the start."""
        seen = "no answer"
        while time.perf_counter() - self.begun < _START_SECONDS:
            if self.child.poll() is not None:
                seen = f"it exited with {self.child.returncode}"
                break
            try:
                answer = ask(self.port, path, token=token)
            except (OSError, http.client.HTTPException):
                time.sleep(_POLL_SECONDS)
                continue
            if answer.status == _OK:
                return time.perf_counter() - self.begun
            seen = f"{answer.status} {answer.body[:200]!r}"
            time.sleep(_POLL_SECONDS)
        tail = self.log.read_text(errors="replace")[-_LOG_TAIL:].strip()
        raise BenchmarkError(f"{self.stack.title}: GET {path} never answered 200: {seen}\n{tail}")
