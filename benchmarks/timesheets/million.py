"""A million entries: the memory that importing them takes, and the time that a summary takes."""

import resource
import statistics
import time
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.exchange import ask
from benchmarks.processes import Cores
from benchmarks.stores import Store
from benchmarks.timesheets.memory import children_of, forget_peaks, peak_memory
from benchmarks.timesheets.system import System, run_client, serving
from benchmarks.timesheets.uploads import make_files, upload
from benchmarks.timesheets.waiting import asking

SUMMARIES = (
    "by=employee",
    "by=project",
    "by=week",
    "by=month",
    "by=approved",
    "by=employee,month",
    "by=project,month",
    "by=employee&approved=false",
    "by=project&day__between=2020-01-01,2020-03-31",
)
_ASKED = 11
_OK = 200


def measure(folder: Path, store: Store, cores: Cores, rows: int) -> int:
    """Import by the job and by one upload, then summarise; print all figures."""
    files = make_files(folder, rows)
    store.create()
    with serving(folder / "job", store.url, cores.server) as system:
        _print_job(system, files["csv"], cores, rows)
    store.create()
    with serving(folder / "upload", store.url, cores.server) as system:
        _print_upload(system, files["ndjson"])
        _print_summaries(system)
    return 0


def _print_job(system: System, path: Path, cores: Cores, rows: int) -> None:
    service = list(children_of(system.pid))
    idle = forget_peaks(service)
    begun = time.perf_counter()
    done = run_client(
        system,
        "import",
        "timesheets",
        str(path),
        "--url",
        f"http://localhost:{system.port}/timesheets/upload",
        core=cores.load,
    )
    seconds = time.perf_counter() - begun
    if done.returncode != 0:
        raise BenchmarkError(f"the job ended with {done.returncode}: {done.stderr[-400:]}")
    own = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"the job, {rows:,} rows of CSV: {rows / seconds:,.0f} rows a second")
    print(f"  service: {idle:.0f} MiB at rest, {peak_memory(service) - idle:+.0f} at its peak")
    print(f"  job: {own:.0f} MiB at its peak (largest child so far)")


def _print_upload(system: System, path: Path) -> None:
    with asking(system, "/timesheets?count=1") as before:
        time.sleep(2)
    service = list(children_of(system.pid))
    idle = forget_peaks(service)
    with asking(system, "/timesheets?count=1") as waits:
        done = upload(system, path, "ndjson")
    print(f"one upload, {done.rows:,} rows of NDJSON: {done.per_second:,.0f} rows a second")
    print(f"  service: {idle:.0f} MiB at rest, {peak_memory(service) - idle:+.0f} at its peak")
    print(f"  another request (median / 99 % / most): {before.text()} at rest, {waits.text()}")


def _print_summaries(system: System) -> None:
    print("| summary | milliseconds | groups |")
    print("| --- | ---: | ---: |")
    for query in SUMMARIES:
        times = []
        for _ in range(_ASKED):
            begun = time.perf_counter()
            answer = ask(system.port, f"/timesheets/summary?{query}", token=system.token)
            times.append((time.perf_counter() - begun) * 1000)
            if answer.status != _OK:
                raise BenchmarkError(f"{query}: {answer.status} {answer.body[:200]!r}")
        print(f"| `{query}` | {statistics.median(times):.0f} | {len(answer.json()):,} |")
