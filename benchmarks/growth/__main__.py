"""`python -m benchmarks.growth`: what a request costs as the table grows.

Tables of 10,000, 100,000 and 1,000,000 parts, each behind a service of its own; all services share
one core, one sequential client asks from the other. Sizes take turns within a round, so that what
counts, the ratio of the largest to the smallest, is of the same minute.
"""

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.errors import BenchmarkError
from benchmarks.growth.questions import EXPORTS, QUESTIONS, Question
from benchmarks.growth.tables import Table, tables
from benchmarks.processes import choose_cores, ended_by_signals, pinned

SIZES: Final = (10_000, 100_000, 1_000_000)
EXPORT_GOAL: Final = 100_000
"""Rows per second of a stream of the largest table."""

_WARM_UP: Final = 3
_MS: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    sizes: list[int]
    rounds: int
    asked: int
    postgres: bool
    only: str


def read_options() -> Options:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="ROWS")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--asked", type=int, default=20, help="requests of a row in a round")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    parser.add_argument("--only", default="", help="rows whose title holds this text")
    return Options(**vars(parser.parse_args()))


def main() -> int:
    """Measure and print; return 1 if a goal is missed."""
    options, cores = read_options(), choose_cores()
    missed: list[str] = []
    with (
        ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="growth-", dir="/var/tmp") as name,
        pinned(cores.load),
        tables(Path(name), cores, options.sizes, on_postgres=options.postgres) as served,
    ):
        print(f"commit {machine.commit()}, {'PostgreSQL' if options.postgres else 'SQLite'}")
        sizes = " | ".join(f"{table.size:,}" for table in served)
        print(f"| p50 of one sequential client, ms | {sizes} | times | to reach |")
        print(f"| --- |{' ---: |' * (len(served) + 2)}")
        missed += [
            question.title
            for question in QUESTIONS
            if options.only in question.title and not _report(question, served, options)
        ]
        missed += [
            title
            for accept, title in EXPORTS
            if options.only in f"export, {title}" and not _report_export(title, accept, served)
        ]
    print("missed: " + ", ".join(missed) if missed else "every goal is reached")
    return 1 if missed else 0


def _report(question: Question, served: list[Table], options: Options) -> bool:
    """Measure and print one row; return whether its goal is reached."""
    paths = [question.path(table.caller, table.size) for table in served]
    medians: list[list[float]] = [[] for _ in served]
    for _ in range(options.rounds):
        for table, path, found in zip(served, paths, medians, strict=True):
            found.append(_median(question, table, path, options.asked))
    shown = [statistics.median(found) for found in medians]
    times = shown[-1] / shown[0]
    goal = "" if question.goal is None else f"{question.goal:g} times"
    if question.limit_ms is not None:
        goal = f"{question.limit_ms:g} ms"
    figures = " | ".join(f"{one:.2f}" for one in shown)
    print(f"| {question.title} | {figures} | {times:.2f} | {goal} |", flush=True)
    within = question.limit_ms is None or max(shown) <= question.limit_ms
    return within and (question.goal is None or times <= question.goal)


def _median(question: Question, table: Table, path: str, asked: int) -> float:
    """Return the median time of one request, in milliseconds."""
    took = []
    for number in range(_WARM_UP + asked):
        if question.after_write:
            table.caller.put(f"/parts/{number + 1}", {"name": f"Renamed {time.monotonic_ns()}"})
        begun = time.perf_counter()
        response, body = table.caller.get(path, question.headers)
        took.append((time.perf_counter() - begun) * _MS)
        rows = body.count(b'"partNumber"')
        if question.rows is not None and rows != question.rows:
            raise BenchmarkError(f"{path}: {rows} rows, not {question.rows}: {response.headers}")
    return statistics.median(took[_WARM_UP:])


def _report_export(title: str, accept: str, served: list[Table]) -> bool:
    """Measure and print one stream; return whether its goal is reached."""
    rates = [max(table.caller.drain("/parts", accept) for _ in range(2)) for table in served]
    figures = " | ".join(f"{rate:,.0f}" for rate in rates)
    times = rates[-1] / rates[0]
    print(f"| export, {title}, rows/s | {figures} | {times:.2f} | {EXPORT_GOAL:,} |", flush=True)
    return rates[-1] >= EXPORT_GOAL


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        sys.exit(1)
