"""`python -m benchmarks.startup`: what fifty models cost at start-up, and in a request.

This service as it is, authentication included, and with generated models besides its own
(`many_models`): process start to the first 200 of an authorized `GET /parts/1`, and
`GET /parts/{id}` under load.
"""

import sys
from dataclasses import replace
from typing import Final

from benchmarks.command_line import BenchmarkError, run_command
from benchmarks.competitors import Competitor, create_ours
from benchmarks.databases import SQLiteDatabase
from benchmarks.parts import generate_parts
from benchmarks.runner import measure, parse_options
from benchmarks.scenarios import GET, PART_COUNT
from benchmarks.servers import RunSettings, migrate
from benchmarks.stats import compute_rate, compute_spread

GOAL: Final = 1.5
"""Seconds from process start to the first 200, with the generated models."""

_MODELS: Final = 49


def main() -> int:
    """Measure and print; return 1 if the goal is missed."""
    options = parse_options("startup", __doc__, GET)
    competitors = [
        create_ours(),
        _create_many("ours-50", "50 models", {}),
        _create_many(
            "ours-50-related", "50 models, each related to the next", {"BENCH_RELATED": "1"}
        ),
    ]
    samples = measure(competitors, options, _prepare, rows=PART_COUNT)
    print("|  | start to first 200 of GET /parts/1, s | GET one, 1/s | RSS idle, MiB |")
    print("| --- | ---: | ---: | ---: |")
    starts = {}
    for competitor in competitors:
        found = samples[competitor.name]
        start = compute_spread(found.first_part)
        memory = compute_spread([memory["rss"] for memory in found.idle])
        if start is None or memory is None:
            raise BenchmarkError(f"{competitor.title}: nothing was measured")
        starts[competitor.name] = start.median
        rate = compute_rate(found, GET)
        print(f"| {competitor.title} | {start.format(2)} | {rate.format()} | {memory.format()} |")
    return 0 if starts["ours-50"] < GOAL else 1


def _create_many(name: str, title: str, settings: dict[str, str]) -> Competitor:
    ours = create_ours()
    return replace(
        ours,
        name=name,
        title=title,
        serve=[sys.executable, "-m", "benchmarks.many_models"],
        settings=lambda url: {**ours.settings(url), "BENCH_MODELS": str(_MODELS), **settings},
    )


def _prepare(competitor: Competitor, database: SQLiteDatabase, settings: RunSettings) -> None:
    database.create()
    migrate(competitor, database, settings)
    database.insert_parts(generate_parts(PART_COUNT))
    database.save_snapshot()


if __name__ == "__main__":
    run_command(main)
