"""`python -m benchmarks`: this service against the Okta sample on Node.

Exit status: 0 if all rows are valid, 1 if not or if something failed, 2 usage, 130 Ctrl-C.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.command_line import run_command
from benchmarks.competitors import (
    FINALE_SHIPPED,
    FINALE_WAL,
    OURS,
    Competitor,
    create_finale,
    create_ours,
)
from benchmarks.databases import Database, SQLiteDatabase
from benchmarks.issuer import start_issuer
from benchmarks.load_generator import LoadGenerator, find_wrk
from benchmarks.parts import Part, generate_parts
from benchmarks.postgres import PostgresDatabase, start_postgres
from benchmarks.processes import choose_cores, pin_to_core
from benchmarks.report import Report
from benchmarks.runner import Runner
from benchmarks.sanity_check import check_responses
from benchmarks.scenarios import PART_COUNT, SCENARIOS, Options
from benchmarks.servers import RunSettings, migrate, start_server
from tests.conformance.node import find_node, install_finale, read_versions

_COMPETITORS: Final = (FINALE_SHIPPED, FINALE_WAL, OURS)


def main() -> int:
    """Run the benchmark and print the report; return the exit status."""
    options = parse_options()
    report = measure_all(options)
    print(report.to_markdown())
    if options.json:
        options.json.write_text(json.dumps(report.to_json(), indent=1) + "\n")
    return 1 if report.faults else 0


def parse_options(argv: Sequence[str] | None = None) -> Options:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 s instead of 5 of 4")
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument("--seconds", type=int, metavar="N", help="length of one measured run")
    parser.add_argument("--limit", type=int, default=1500, help="start no round after N seconds")
    parser.add_argument("--postgres", action="store_true", help="over PostgreSQL, not SQLite")
    parser.add_argument("--index", action="store_true", help="index modelNumber on all sides")
    parser.add_argument(
        "--tokens", type=int, default=1, help="count of tokens that the load uses in turn"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[s.name for s in SCENARIOS],
        metavar="ROW",
        help="only these rows",
    )
    parser.add_argument("--stacks", nargs="+", choices=_COMPETITORS, default=_COMPETITORS)
    parser.add_argument("--workdir", type=Path, default=Path("/var/tmp"), help="on a real disk")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every sample to this file")
    parsed = parser.parse_args(argv)
    rounds, seconds = (2, 2) if parsed.quick else (5, 4)
    options = Options(
        stacks=tuple(name for name in _COMPETITORS if name in parsed.stacks),
        scenarios=tuple(s for s in SCENARIOS if parsed.only is None or s.name in parsed.only),
        rounds=rounds if parsed.rounds is None else parsed.rounds,
        seconds=seconds if parsed.seconds is None else parsed.seconds,
        limit=parsed.limit,
        tokens=parsed.tokens,
        postgres=parsed.postgres,
        index=parsed.index,
        workdir=parsed.workdir,
        json=parsed.json,
    )
    if min(options.rounds, options.seconds, options.tokens) < 1:
        parser.error("--rounds, --seconds and --tokens must be at least 1")
    return options


def measure_all(options: Options) -> Report:
    """Measure what the options select.

    Raises:
        BenchmarkError: Something that the measurement needs is missing or wrong.
    """
    started = time.monotonic()
    wrk, cores = find_wrk(), choose_cores()
    competitors, versions = _choose_competitors(options)
    parts = generate_parts(PART_COUNT)
    with ExitStack() as stack:
        stack.enter_context(pin_to_core(cores.load))
        workdir = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="parts-bench-", dir=options.workdir)
            )
        )
        issuer = stack.enter_context(start_issuer())
        tokens = [issuer.sign_token() for _ in range(options.tokens)]
        tokens_file = workdir / "tokens"
        tokens_file.write_text("\n".join(tokens) + "\n")
        settings = RunSettings(issuer.url, tokens[0], cores.server, workdir)
        sockets = None
        if options.postgres:
            sockets = stack.enter_context(start_postgres(workdir / "postgres", cores.load))
        prepared = [(one, _create_database(one, workdir, sockets)) for one in competitors]
        for competitor, database in prepared:
            _prepare(competitor, database, settings, parts, options)
        facts = machine.describe_machine(workdir, cores)
        generator = LoadGenerator(wrk, cores.load, tokens_file, len(parts))
        samples, rounds = Runner(options, prepared, generator, settings).run_rounds()
    return Report(
        options=options,
        competitors=competitors,
        samples=samples,
        rounds=rounds,
        wall=time.monotonic() - started,
        machine=facts,
        versions=versions,
        commit=machine.read_commit(),
    )


def _choose_competitors(options: Options) -> tuple[list[Competitor], dict[str, dict[str, str]]]:
    """Return the competitors that can run here, and the versions of each side."""
    names = [name for name in options.stacks if not (options.postgres and name == FINALE_WAL)]
    versions: dict[str, dict[str, str]] = {}
    if find_node() is None and names != [OURS]:
        print("npm or node is missing: measuring only this service.", file=sys.stderr)
        names = [OURS]
    competitors: list[Competitor] = []
    if names != [OURS]:
        node = install_finale()
        versions["Finale"] = read_versions(node)
        competitors = [
            create_finale(node, wal=name == FINALE_WAL) for name in names if name != OURS
        ]
    if OURS in names:
        competitors.append(create_ours())
        versions["This service"] = machine.read_versions()
    return competitors, versions


def _create_database(competitor: Competitor, workdir: Path, sockets: Path | None) -> Database:
    if sockets is None:
        folder = workdir / competitor.name
        return SQLiteDatabase(folder, competitor.name, competitor.format_timestamp)
    return PostgresDatabase(sockets, competitor.name)


def _prepare(
    competitor: Competitor,
    database: Database,
    settings: RunSettings,
    parts: Sequence[Part],
    options: Options,
) -> None:
    """Create the schema, insert the parts and check the responses of a competitor."""
    database.create()
    migrate(competitor, database, settings)
    database.insert_parts(parts)
    if options.index:
        database.add_index()
    database.save_snapshot()
    with start_server(competitor, database, settings) as server:
        check_responses(server, parts, settings.token)


if __name__ == "__main__":
    run_command(main)
