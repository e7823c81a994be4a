"""`python -m benchmarks.growth.writes`: what a search index costs writes.

Two tables of parts, one with a search index over name and description; each behind a separate
service, both on one core. Writes to the two take turns.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.command_line import run_command
from benchmarks.growth.requests import Client
from benchmarks.growth.service import INDEXED, UPLOAD
from benchmarks.growth.tables import serve_tables
from benchmarks.machine import read_commit
from benchmarks.parts import generate_parts
from benchmarks.processes import choose_cores, pin_to_core

_ROWS: Final = 10_000
_UPLOADED: Final = 100_000
_WRITES: Final = 200
_ROUNDS: Final = 3
_GOAL: Final = 3.0
"""Maximum time of an upload divided by that without the index."""


def main() -> int:
    """Measure and print; return 1 if the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth.writes", description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    on_postgres = parser.parse_args().postgres
    cores = choose_cores()
    with (
        tempfile.TemporaryDirectory(prefix="writes-", dir="/var/tmp") as name,
        pin_to_core(cores.load),
        serve_tables(Path(name), cores, [_ROWS], on_postgres=on_postgres, without_index=True) as (
            indexed,
            plain,
        ),
    ):
        print(f"commit {read_commit()}, {'PostgreSQL' if on_postgres else 'SQLite'}")
        print("| ms | without | with a search index | times | to reach |")
        print("| --- | ---: | ---: | ---: | ---: |")
        clients = (plain.client, indexed.client)
        _report("POST", clients, _measure_post)
        _report("PUT of the name", clients, _measure_put)
        ratio = _report(f"upload of {_UPLOADED:,} rows", clients, _measure_upload, goal=_GOAL)
    return 1 if ratio > _GOAL else 0


def _report(
    title: str,
    clients: tuple[Client, Client],
    measure: Callable[[Client, int], float],
    goal: float | None = None,
) -> float:
    """Measure and print one row; return the ratio."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(_ROUNDS):
        for client, measured in zip(clients, times, strict=True):
            measured.append(measure(client, number) * 1000)
    without, with_index = map(statistics.median, times)
    ratio = with_index / without
    reach = "" if goal is None else f"{goal:g} times"
    print(f"| {title} | {without:.2f} | {with_index:.2f} | {ratio:.2f} | {reach} |", flush=True)
    return ratio


def _build_rows(first: int, count: int) -> list[dict[str, object]]:
    """Return new parts, numbered from `first`."""
    return [
        {
            "partNumber": f"new-{first + number}",
            "modelNumber": part.model_number,
            "name": part.name,
            "description": part.description,
        }
        for number, part in enumerate(generate_parts(count))
    ]


def _measure_post(client: Client, number: int) -> float:
    """Return the median time of a POST, in seconds."""
    bodies = [json.dumps(row).encode() for row in _build_rows(10**6 * (number + 1), _WRITES)]
    return statistics.median(_measure_call(client.post, INDEXED, body) for body in bodies)


def _measure_put(client: Client, number: int) -> float:
    """Return the median time of a PUT that changes the name, in seconds."""
    return statistics.median(
        _measure_call(client.put, f"{INDEXED}/{row}", {"name": f"Renamed part {number} of {row}"})
        for row in range(1, _WRITES + 1)
    )


def _measure_upload(client: Client, number: int) -> float:
    """Return the time of an upload, in seconds."""
    body = json.dumps(_build_rows(10**8 * (number + 1), _UPLOADED)).encode()
    return _measure_call(client.post, UPLOAD, body)


def _measure_call(send: Callable[..., None], *arguments: object) -> float:
    started = time.perf_counter()
    send(*arguments)
    return time.perf_counter() - started


if __name__ == "__main__":
    run_command(main)
