"""Runs wrk with `load.lua` and reads its one line of figures."""

import json
import resource
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.plan import CONNECTIONS, Scenario
from benchmarks.processes import minimal_environment, pinned

_SCRIPT = Path(__file__).with_name("load.lua")
_MARK = "BENCH "
_GRACE = 30.0  # seconds beyond the asked duration before wrk is given up on


@dataclass(frozen=True, slots=True)
class Load:
    """One run of wrk. Latencies are in milliseconds."""

    requests: int
    seconds: float
    bytes: int
    good: int
    bad: int
    bad_status: int
    socket_errors: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    generator_share: float
    """How much of its core wrk itself used: near 1 it is wrk that was measured."""

    @property
    def per_second(self) -> float:
        """Return answered requests per second."""
        return self.requests / self.seconds

    @property
    def fault(self) -> str | None:
        """Say why this run does not count, or None."""
        if self.bad:
            return f"{self.bad} answers were not 2xx, the last {self.bad_status}"
        if self.socket_errors:
            return f"{self.socket_errors} socket errors or timeouts"
        return None if self.good else "no answer at all"

    def record(self) -> dict[str, Any]:
        """Return the figures for the JSON file."""
        return {**asdict(self), "per_second": round(self.per_second, 1), "fault": self.fault}


@dataclass(frozen=True, slots=True)
class Generator:
    """What every run of wrk has in common."""

    program: str
    core: int
    tokens: Path
    """A file of access tokens, one a line."""
    parts: int

    def run(self, scenario: Scenario, *, port: int, seconds: int, seed: int) -> Load:
        """Load a server for a while.

        Raises:
            BenchmarkError: wrk itself failed.
        """
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = minimal_environment(
            {
                "BENCH_SCENARIO": scenario.name,
                "BENCH_TOKENS": str(self.tokens),
                "BENCH_PARTS": str(self.parts),
                "BENCH_SEED": str(seed),
            }
        )
        argv = [self.program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
        argv += ["--timeout", "10s", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}"]
        with pinned(self.core):
            answer = subprocess.run(
                argv,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds + _GRACE,
                check=False,
            )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        _, found, line = answer.stdout.rpartition(_MARK)
        if answer.returncode != 0 or not found:
            raise BenchmarkError(f"wrk failed: {(answer.stderr or answer.stdout).strip()[:300]}")
        figures = json.loads(line)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Load(**figures, generator_share=round(used / figures["seconds"], 3))


def find_generator() -> str:
    """Return the path of wrk.

    Raises:
        BenchmarkError: it is not installed.
    """
    program = shutil.which("wrk")
    if program is None:
        raise BenchmarkError("wrk is missing: apt-get install wrk (or your system's package)")
    return program
