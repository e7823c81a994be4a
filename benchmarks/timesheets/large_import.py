"""A large table of entries: memory and latency while importing it, and time of its summaries."""

import resource
import statistics
import time
from pathlib import Path
from typing import Final

from benchmarks.command_line import BenchmarkError
from benchmarks.databases import Database
from benchmarks.http_client import OK, send_request
from benchmarks.processes import Cores, list_process_tree, read_peak_memory, reset_peak_memory
from benchmarks.timesheets.latency import measure_latency
from benchmarks.timesheets.system import System, run_client, start_system
from benchmarks.timesheets.uploads import upload_file, write_files

SUMMARIES: Final = (
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
_REQUESTS: Final = 11


def measure_large_import(folder: Path, database: Database, cores: Cores, rows: int) -> None:
    """Import by the job and by one upload, then request summaries; print all results."""
    files = write_files(folder, rows)
    database.create()
    with start_system(folder / "job", database.url, cores.server) as system:
        _print_job(system, files["csv"], cores, rows)
    database.create()
    with start_system(folder / "upload", database.url, cores.server) as system:
        _print_upload(system, files["ndjson"])
        _print_summaries(system)


def _print_job(system: System, path: Path, cores: Cores, rows: int) -> None:
    service = list_process_tree(system.pid)
    idle = reset_peak_memory(service)
    started = time.perf_counter()
    done = run_client(
        system,
        "import",
        "timesheets",
        str(path),
        "--url",
        f"http://localhost:{system.port}/timesheets/upload",
        core=cores.load,
    )
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise BenchmarkError(f"the job ended with {done.returncode}: {done.stderr[-400:]}")
    job = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"the job, {rows:,} rows of CSV: {rows / seconds:,.0f} rows a second")
    print(f"  service: {idle:.0f} MiB at rest, {read_peak_memory(service) - idle:+.0f} at its peak")
    print(f"  job: {job:.0f} MiB at its peak (largest child so far)")


def _print_upload(system: System, path: Path) -> None:
    with measure_latency(system, "/timesheets?count=1") as before:
        time.sleep(2)
    service = list_process_tree(system.pid)
    idle = reset_peak_memory(service)
    with measure_latency(system, "/timesheets?count=1") as during:
        done = upload_file(system, path, "ndjson")
    print(f"one upload, {done.rows:,} rows of NDJSON: {done.per_second:,.0f} rows a second")
    print(f"  service: {idle:.0f} MiB at rest, {read_peak_memory(service) - idle:+.0f} at its peak")
    print(
        f"  another request (median / 99 % / maximum): {before.format()} at rest, {during.format()}"
    )


def _print_summaries(system: System) -> None:
    print("| summary | milliseconds | groups |")
    print("| --- | ---: | ---: |")
    for query in SUMMARIES:
        times = []
        for _ in range(_REQUESTS):
            started = time.perf_counter()
            path = f"/timesheets/summary?{query}"
            response = send_request(system.port, path, token=system.token)
            times.append((time.perf_counter() - started) * 1000)
            if response.status != OK:
                raise BenchmarkError(f"{query}: {response.status} {response.body[:200]!r}")
        print(f"| `{query}` | {statistics.median(times):.0f} | {len(response.json()):,} |")
