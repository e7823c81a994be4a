"""`python -m benchmarks.growth.writes`: what a search index costs those who write.

Two tables of parts, one with a search index over name and description; each behind a service of its
own, both on one core. Writes to the two take turns.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.errors import BenchmarkError
from benchmarks.growth.questions import Caller
from benchmarks.growth.service import INDEXED, UPLOAD
from benchmarks.growth.tables import tables
from benchmarks.parts import generate
from benchmarks.processes import choose_cores, ended_by_signals, pinned

_STORED: Final = 10_000
_UPLOADED: Final = 100_000
_WRITES: Final = 200
_ROUNDS: Final = 3
_GOAL: Final = 3.0
"""The most that an upload may take, in times of one without the index."""


def main() -> int:
    """Measure and print; return 1 if the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth.writes", description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    on_postgres = parser.parse_args().postgres
    cores = choose_cores()
    with (
        ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="writes-", dir="/var/tmp") as name,
        pinned(cores.load),
        tables(Path(name), cores, [_STORED], on_postgres=on_postgres, without_index=True) as (
            indexed,
            plain,
        ),
    ):
        print(f"commit {machine.commit()}, {'PostgreSQL' if on_postgres else 'SQLite'}")
        print("| ms | without | with a search index | times | to reach |")
        print("| --- | ---: | ---: | ---: | ---: |")
        callers = (plain.caller, indexed.caller)
        _report("POST", callers, _create)
        _report("PUT of the name", callers, _change)
        times = _report(f"upload of {_UPLOADED:,} rows", callers, _upload, goal=_GOAL)
    return 1 if times > _GOAL else 0


def _report(
    title: str,
    callers: tuple[Caller, Caller],
    write: Callable[[Caller, int], float],
    goal: float | None = None,
) -> float:
    """Measure and print one row; return the ratio."""
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(_ROUNDS):
        for caller, took in zip(callers, found, strict=True):
            took.append(write(caller, number) * 1000)
    without, with_index = map(statistics.median, found)
    times = with_index / without
    reach = "" if goal is None else f"{goal:g} times"
    print(f"| {title} | {without:.2f} | {with_index:.2f} | {times:.2f} | {reach} |", flush=True)
    return times


def _rows(first: int, count: int) -> list[dict[str, object]]:
    """Return new parts, numbered from the first."""
    return [
        {
            "partNumber": f"new-{first + number}",
            "modelNumber": part.model_number,
            "name": part.name,
            "description": part.description,
        }
        for number, part in enumerate(generate(count))
    ]


def _create(caller: Caller, number: int) -> float:
    """Return the median time of a POST, in seconds."""
    bodies = [json.dumps(row).encode() for row in _rows(10**6 * (number + 1), _WRITES)]
    return statistics.median(_timed(caller.post, INDEXED, body) for body in bodies)


def _change(caller: Caller, number: int) -> float:
    """Return the median time of a PUT that changes the name, in seconds."""
    return statistics.median(
        _timed(caller.put, f"{INDEXED}/{row}", {"name": f"Renamed part {number} of {row}"})
        for row in range(1, _WRITES + 1)
    )


def _upload(caller: Caller, number: int) -> float:
    """Return the time of an upload, in seconds."""
    body = json.dumps(_rows(10**8 * (number + 1), _UPLOADED)).encode()
    return _timed(caller.post, UPLOAD, body)


def _timed(send: Callable[..., None], *arguments: object) -> float:
    begun = time.perf_counter()
    send(*arguments)
    return time.perf_counter() - begun


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        sys.exit(1)
