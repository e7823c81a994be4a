"""`python -m benchmarks.timesheets`: what bringing entries in costs, and summing them up.

Everything goes through the real service, tokens checked: `python -m api dev` on one core, the
load on the other. Each way of each round starts on an empty database; ways take turns, and what
counts is their ratio within a run.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import postgres
from benchmarks.errors import BenchmarkError
from benchmarks.figures import spread
from benchmarks.load import find_generator
from benchmarks.processes import Cores, choose_cores, ended_by_signals
from benchmarks.stores import SQLiteStore, Store
from benchmarks.timesheets import million
from benchmarks.timesheets.system import System, serving
from benchmarks.timesheets.uploads import (
    ONE_POST_A_ROW,
    bulk_create,
    make_files,
    one_post_a_row,
    upload,
)
from tests.conformance.node import find_node, install_finale

GOAL = 8.0
FORMATS = ("csv", "ndjson", "json")
_BULK_CREATE = "Sequelize's bulkCreate, in process"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    rows: int
    rounds: int
    seconds: int
    postgres: bool
    large: int


def read_options() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timesheets", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="of one upload")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of one POST a row")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    parser.add_argument(
        "--large", type=int, default=0, metavar="ROWS", help="memory and summaries instead of rates"
    )
    return Options(**vars(parser.parse_args()))


def main() -> int:
    """Measure and print."""
    options, cores = read_options(), choose_cores()
    with (
        ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="bench-timesheets-") as name,
        _store(options, cores, Path(name)) as store,
    ):
        folder = Path(name)
        if options.large:
            return million.measure(folder, store, cores, options.large)
        _print_rates(_rates(folder, store, cores, options))
    return 0


@contextmanager
def _store(options: Options, cores: Cores, folder: Path) -> Iterator[Store]:
    with ExitStack() as stack:
        if options.postgres:
            (folder / "pg").mkdir()
            sockets = stack.enter_context(postgres.serve(folder / "pg", cores.server))
            yield postgres.PostgresStore(sockets, "timesheets")
        else:
            yield SQLiteStore(folder / "db", "timesheets")


def _rates(folder: Path, store: Store, cores: Cores, options: Options) -> dict[str, list[float]]:
    """Return rows per second of each way, one figure a round."""
    files = make_files(folder, options.rows)
    wrk, node = find_generator(), find_node()
    found: dict[str, list[float]] = {}

    def through_service(way: str, work: Callable[[System], float]) -> None:
        store.create()
        run = folder / "run"
        with serving(run, store.url, cores.server) as system:
            found.setdefault(way, []).append(work(system))
        shutil.rmtree(run)

    for seed in range(1, options.rounds + 1):
        through_service(
            ONE_POST_A_ROW.title,
            lambda system, seed=seed: one_post_a_row(  # type: ignore[misc]
                system, wrk, cores.load, options.seconds, seed
            ),
        )
        for name in FORMATS:
            through_service(
                f"one upload, {name}",
                lambda system, name=name: upload(system, files[name], name).per_second,  # type: ignore[misc]
            )
        if node is not None:
            install_finale()
            store.create()
            bulk = bulk_create(node, files["ndjson"], store.url, cores.server)
            found.setdefault(_BULK_CREATE, []).append(bulk.per_second)
    return found


def _print_rates(found: dict[str, list[float]]) -> None:
    base = statistics.median(found[ONE_POST_A_ROW.title])
    print("| way | rows a second | times one POST a row | to reach |")
    print("| --- | ---: | ---: | ---: |")
    for way, rates in found.items():
        figure = spread(rates)
        assert figure is not None
        goal = f"{GOAL:g}" if way.startswith("one upload") else ""
        print(f"| {way} | {figure.text()} | {figure.median / base:.1f} | {goal} |")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        sys.exit(1)
