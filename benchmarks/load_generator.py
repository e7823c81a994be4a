"""Runs wrk with `load.lua` and parses the line of results that it prints."""

import json
import resource
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.command_line import BenchmarkError
from benchmarks.processes import minimal_environment, pin_to_core
from benchmarks.scenarios import CONNECTIONS, Scenario

_SCRIPT: Final = Path(__file__).with_name("load.lua")
_MARK: Final = "BENCH "
_GRACE: Final = 30.0  # seconds; wrk is killed that long after it should have ended


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The results of one run of wrk."""

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
    """CPU seconds of wrk a second: near 1, wrk is the bottleneck."""

    @property
    def per_second(self) -> float:
        """Responses per second."""
        return self.requests / self.seconds

    @property
    def fault(self) -> str | None:
        """Why the run is invalid, or None."""
        if self.bad:
            return f"{self.bad} responses were not 2xx, the last {self.bad_status}"
        if self.socket_errors:
            return f"{self.socket_errors} socket errors or timeouts"
        return None if self.good else "no response"

    def to_json(self) -> dict[str, Any]:
        """Return the results for the JSON file."""
        return {**asdict(self), "per_second": round(self.per_second, 1), "fault": self.fault}


@dataclass(frozen=True, slots=True)
class LoadGenerator:
    """wrk, with what all its runs share."""

    wrk: str
    core: int
    tokens: Path
    """File of access tokens, one a line."""
    parts: int

    def run_load(self, scenario: Scenario, *, port: int, seconds: int, seed: int) -> LoadResult:
        """Load a server for some seconds.

        Raises:
            BenchmarkError: wrk failed.
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
        argv = [self.wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
        argv += ["--timeout", "10s", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}"]
        with pin_to_core(self.core):
            done = subprocess.run(
                argv,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds + _GRACE,
                check=False,
            )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        _, found, line = done.stdout.rpartition(_MARK)
        if done.returncode != 0 or not found:
            raise BenchmarkError(f"wrk failed: {(done.stderr or done.stdout).strip()[:300]}")
        results = json.loads(line)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return LoadResult(**results, generator_share=round(used / results["seconds"], 3))


def find_wrk() -> str:
    """Return the path of wrk.

    Raises:
        BenchmarkError: It is not installed.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise BenchmarkError("wrk is missing: apt-get install wrk (or your system's package)")
    return wrk
