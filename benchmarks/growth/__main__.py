"""`python -m benchmarks.growth`: cost of requests as the table grows.

Tables of 10,000, 100,000 and 1,000,000 parts, each behind a separate service; all services share
one core, one sequential client runs on the other. Sizes take turns within a round, so that the
ratio of the largest to the smallest is measured within the same minute.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.command_line import BenchmarkError, run_command
from benchmarks.growth.requests import EXPORTS, REQUESTS, TimedRequest
from benchmarks.growth.tables import Table, serve_tables
from benchmarks.machine import read_commit
from benchmarks.processes import choose_cores, pin_to_core

SIZES: Final = (10_000, 100_000, 1_000_000)
EXPORT_GOAL: Final = 100_000
"""Minimum rows per second of a stream of the largest table."""

_WARM_UP: Final = 3
_MS: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line."""

    sizes: list[int]
    rounds: int
    requests: int
    postgres: bool
    only: str


def parse_options() -> Options:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="ROWS")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=20, help="requests of a row in a round")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    parser.add_argument("--only", default="", help="rows whose title contains this text")
    return Options(**vars(parser.parse_args()))


def main() -> int:
    """Measure and print; return 1 if a goal is missed."""
    options, cores = parse_options(), choose_cores()
    missed: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="growth-", dir="/var/tmp") as name,
        pin_to_core(cores.load),
        serve_tables(Path(name), cores, options.sizes, on_postgres=options.postgres) as tables,
    ):
        print(f"commit {read_commit()}, {'PostgreSQL' if options.postgres else 'SQLite'}")
        sizes = " | ".join(f"{table.size:,}" for table in tables)
        print(f"| p50 of one sequential client, ms | {sizes} | times | to reach |")
        print(f"| --- |{' ---: |' * (len(tables) + 2)}")
        missed += [
            request.title
            for request in REQUESTS
            if options.only in request.title and not _report_request(request, tables, options)
        ]
        missed += [
            title
            for accept, title in EXPORTS
            if options.only in f"export, {title}" and not _report_export(title, accept, tables)
        ]
    print("missed: " + ", ".join(missed) if missed else "all goals reached")
    return 1 if missed else 0


def _report_request(request: TimedRequest, tables: list[Table], options: Options) -> bool:
    """Measure and print one row; return whether its goal is reached."""
    paths = [request.build_path(table.client, table.size) for table in tables]
    rounds: list[list[float]] = [[] for _ in tables]
    for _ in range(options.rounds):
        for table, path, times in zip(tables, paths, rounds, strict=True):
            times.append(_measure_median(request, table, path, options.requests))
    medians = [statistics.median(times) for times in rounds]
    ratio = medians[-1] / medians[0]
    goal = "" if request.goal is None else f"{request.goal:g} times"
    if request.limit_ms is not None:
        goal = f"{request.limit_ms:g} ms"
    shown = " | ".join(f"{median:.2f}" for median in medians)
    print(f"| {request.title} | {shown} | {ratio:.2f} | {goal} |", flush=True)
    within = request.limit_ms is None or max(medians) <= request.limit_ms
    return within and (request.goal is None or ratio <= request.goal)


def _measure_median(request: TimedRequest, table: Table, path: str, count: int) -> float:
    """Return the median time of one request, in milliseconds."""
    times = []
    for number in range(_WARM_UP + count):
        if request.after_write:
            table.client.put(f"/parts/{number + 1}", {"name": f"Renamed {time.monotonic_ns()}"})
        started = time.perf_counter()
        response, body = table.client.get(path, request.headers)
        times.append((time.perf_counter() - started) * _MS)
        rows = body.count(b'"partNumber"')
        if request.rows is not None and rows != request.rows:
            raise BenchmarkError(f"{path}: {rows} rows, not {request.rows}: {response.headers}")
    return statistics.median(times[_WARM_UP:])


def _report_export(title: str, accept: str, tables: list[Table]) -> bool:
    """Measure and print one stream; return whether its goal is reached."""
    rates = [max(table.client.read_stream("/parts", accept) for _ in range(2)) for table in tables]
    shown = " | ".join(f"{rate:,.0f}" for rate in rates)
    ratio = rates[-1] / rates[0]
    print(f"| export, {title}, rows/s | {shown} | {ratio:.2f} | {EXPORT_GOAL:,} |", flush=True)
    return rates[-1] >= EXPORT_GOAL


if __name__ == "__main__":
    run_command(main)
