"""`python -m benchmarks.startup`: what fifty models cost at the start, and a request.

The shipped app, gate and all, as it is and with generated models beside its own (`many_models`):
process start to the first 200 of an authorized `GET /parts/1`, and `GET /parts/{id}` under load.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from benchmarks.contest import measure, rate, read_lengths
from benchmarks.errors import BenchmarkError
from benchmarks.figures import spread
from benchmarks.parts import generate
from benchmarks.plan import GET, PART_COUNT
from benchmarks.processes import ended_by_signals
from benchmarks.servers import Setting, migrate
from benchmarks.stacks import Stack, ours
from benchmarks.stores import SQLiteStore

GOAL: Final = 1.5
"""Seconds from process start to the first 200, with the generated models."""

_MODELS: Final = 49


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 if the goal is missed."""
    lengths = read_lengths("startup", __doc__, argv)
    stacks = [
        ours(),
        _many("ours-50", "50 models", {}),
        _many("ours-50-related", "50 models, each related to the next", {"BENCH_RELATED": "1"}),
    ]
    with ended_by_signals():
        samples = measure(stacks, GET, lengths, _prepare, rows=PART_COUNT)
    print("|  | start to first 200 of GET /parts/1, s | GET one, 1/s | RSS idle, MiB |")
    print("| --- | ---: | ---: | ---: |")
    starts = {}
    for stack in stacks:
        found = samples[stack.name]
        start, memory = spread(found.first_part), spread([one["rss"] for one in found.idle])
        if start is None or memory is None:
            raise BenchmarkError(f"{stack.title}: nothing was measured")
        starts[stack.name] = start.median
        print(f"| {stack.title} | {start.text(2)} | {rate(found, GET).text()} | {memory.text()} |")
    return 0 if starts["ours-50"] < GOAL else 1


def _many(name: str, title: str, more: dict[str, str]) -> Stack:
    one = ours()
    return replace(
        one,
        name=name,
        title=title,
        serve=[sys.executable, "-m", "benchmarks.many_models"],
        settings=lambda url: {**one.settings(url), "BENCH_MODELS": str(_MODELS), **more},
    )


def _prepare(stack: Stack, store: SQLiteStore, setting: Setting) -> None:
    store.create()
    migrate(stack, store, setting)
    store.fill(generate(PART_COUNT), stack.stamp)
    store.seal()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        sys.exit(1)
