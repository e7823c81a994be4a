"""`python -m benchmarks.writes`: cost of tags, preconditions, keys, history, bulk and batches.

Two servers in one run, this version and an earlier one, on one core; the load on the other. The
sides of a row take turns within each round, seconds apart, and a ratio is the median of those of
the rounds. Since the machine is shared, the processor time of the server's processes is printed
beside the elapsed time.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.command_line import run_command
from benchmarks.machine import read_commit
from benchmarks.processes import choose_cores, pin_to_core
from benchmarks.writes.checkouts import check_out, describe
from benchmarks.writes.load import Cost
from benchmarks.writes.rows import CPU, ROWS, Row, Side
from benchmarks.writes.traffic import Target
from benchmarks.writes.versions import serve_versions

_WARM_UP_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line."""

    before: str
    rounds: int
    seconds: float
    postgres: bool
    only: str


def parse_options() -> Options:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writes", description=__doc__)
    parser.add_argument("--before", default="", help="folder or commit of the earlier version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="duration of a load")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    parser.add_argument("--only", default="", help="rows whose title contains this text")
    return Options(**vars(parser.parse_args()))


def main() -> int:
    """Measure and print; return 1 if a goal is missed."""
    options, cores = parse_options(), choose_cores()
    missed = []
    with (
        tempfile.TemporaryDirectory(prefix="writes-", dir="/var/tmp") as name,
        _earlier_version(options.before, Path(name)) as before,
        pin_to_core(cores.load),
        serve_versions(Path(name), cores, before, on_postgres=options.postgres) as targets,
    ):
        database = "PostgreSQL" if options.postgres else "SQLite"
        compared = f", before: {describe(before)}" if before else ""
        print(f"after: {read_commit()}{compared}; {database}, {options.rounds} rounds")
        print(
            "| row | 1/s | 1/s, base | times the time | CPU µs | base | times the CPU | at most |"
        )
        print(f"| --- |{' ---: |' * 7}")
        for row in ROWS:
            is_chosen = options.only in row.title
            if is_chosen and {row.base.server, row.new.server} <= targets.keys():
                missed += [row.title] * (not _report(row, targets, options))
    print("missed: " + "; ".join(missed) if missed else "all goals reached")
    return 1 if missed else 0


@contextmanager
def _earlier_version(before: str, folder: Path) -> Iterator[Path | None]:
    if not before:
        yield None
        return
    with check_out(before, folder) as path:
        yield path


def _report(row: Row, targets: Mapping[str, Target], options: Options) -> bool:
    """Measure and print one row; return whether its goal is reached."""
    sides = (row.base, row.new)
    for side in sides:
        _measure(side, targets, _WARM_UP_S)
    rounds: list[tuple[Cost, Cost]] = []
    for number in range(options.rounds):
        order = sides if number % 2 else sides[::-1]
        costs = {id(side): _measure(side, targets, options.seconds) for side in order}
        rounds.append((costs[id(row.base)], costs[id(row.new)]))
    time_ratio = statistics.median(base.per_second / new.per_second for base, new in rounds)
    cpu_ratio = statistics.median(new.cpu_us / max(base.cpu_us, 1e-9) for base, new in rounds)
    (base_rate, rate), (base_cpu, cpu) = (
        [statistics.median(getattr(pair[place], name) for pair in rounds) for place in (0, 1)]
        for name in ("per_second", "cpu_us")
    )
    goal = "" if row.goal is None else f"{row.goal:.3g} ({row.measure})"
    costs_of_cpu = f"{cpu:,.1f} | {base_cpu:,.1f} | {cpu_ratio:.2f}"
    if not base_cpu:  # It ran in this process, not in the server.
        costs_of_cpu = f"{cpu:,.1f} | - | -"
    print(
        f"| {row.title} | {rate:,.0f} | {base_rate:,.0f} | {time_ratio:.2f}"
        f" | {costs_of_cpu} | {goal} |",
        flush=True,
    )
    return row.goal is None or (cpu_ratio if row.measure == CPU else time_ratio) <= row.goal


def _measure(side: Side, targets: Mapping[str, Target], seconds: float) -> Cost:
    return side.measure(targets[side.server], seconds)


if __name__ == "__main__":
    run_command(main)
