"""`python -m benchmarks.timesheets`: cost of importing entries and of summaries.

Everything goes through the real service, authentication included: `python -m api dev` on one core,
the load on the other. Each method of each round starts on an empty database; methods take turns,
and their ratio within a run is what counts.
"""

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.command_line import BenchmarkError, run_command
from benchmarks.databases import Database, SQLiteDatabase
from benchmarks.load_generator import find_wrk
from benchmarks.postgres import PostgresDatabase, start_postgres
from benchmarks.processes import Cores, choose_cores
from benchmarks.stats import compute_spread
from benchmarks.timesheets.large_import import measure_large_import
from benchmarks.timesheets.system import System, start_system
from benchmarks.timesheets.uploads import (
    ONE_POST_A_ROW,
    measure_post_rate,
    measure_upload_rate,
    run_bulk_create,
    write_files,
)
from tests.conformance.node import find_node, install_finale

GOAL: Final = 8.0
FORMATS: Final = ("csv", "ndjson", "json")
_BULK_CREATE: Final = "Sequelize's bulkCreate, in process"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line."""

    rows: int
    rounds: int
    seconds: int
    postgres: bool
    large: int


def parse_options() -> Options:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timesheets", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of one upload")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="duration of one POST a row")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    parser.add_argument(
        "--large", type=int, default=0, metavar="ROWS", help="memory and summaries instead of rates"
    )
    return Options(**vars(parser.parse_args()))


def main() -> int:
    """Measure and print."""
    options, cores = parse_options(), choose_cores()
    with (
        tempfile.TemporaryDirectory(prefix="bench-timesheets-") as name,
        _open_database(options, cores, Path(name)) as database,
    ):
        folder = Path(name)
        if options.large:
            measure_large_import(folder, database, cores, options.large)
        else:
            _print_rates(_measure_rates(folder, database, cores, options))
    return 0


@contextmanager
def _open_database(options: Options, cores: Cores, folder: Path) -> Iterator[Database]:
    with ExitStack() as stack:
        if options.postgres:
            (folder / "pg").mkdir()
            sockets = stack.enter_context(start_postgres(folder / "pg", cores.server))
            yield PostgresDatabase(sockets, "timesheets")
        else:
            yield SQLiteDatabase(folder / "db", "timesheets")


def _measure_rates(
    folder: Path, database: Database, cores: Cores, options: Options
) -> dict[str, list[float]]:
    """Return rows per second of each method, one value a round."""
    files = write_files(folder, options.rows)
    wrk, node = find_wrk(), find_node()
    rates: dict[str, list[float]] = {}

    def measure(method: str, import_rows: Callable[[System], float]) -> None:
        database.create()
        run = folder / "run"
        with start_system(run, database.url, cores.server) as system:
            rates.setdefault(method, []).append(import_rows(system))
        shutil.rmtree(run)

    for seed in range(1, options.rounds + 1):
        measure(
            ONE_POST_A_ROW.title,
            partial(
                measure_post_rate, wrk=wrk, core=cores.load, seconds=options.seconds, seed=seed
            ),
        )
        for name in FORMATS:
            measure(
                f"one upload, {name}", partial(measure_upload_rate, path=files[name], format_=name)
            )
        if node is not None:
            install_finale()
            database.create()
            bulk = run_bulk_create(node, files["ndjson"], database.url, cores.server)
            rates.setdefault(_BULK_CREATE, []).append(bulk.per_second)
    return rates


def _print_rates(rates: dict[str, list[float]]) -> None:
    base = statistics.median(rates[ONE_POST_A_ROW.title])
    print("| method | rows a second | times one POST a row | to reach |")
    print("| --- | ---: | ---: | ---: |")
    for method, values in rates.items():
        spread = compute_spread(values)
        if spread is None:
            raise BenchmarkError(f"{method}: nothing was measured")
        goal = f"{GOAL:g}" if method.startswith("one upload") else ""
        print(f"| {method} | {spread.format()} | {spread.median / base:.1f} | {goal} |")


if __name__ == "__main__":
    run_command(main)
