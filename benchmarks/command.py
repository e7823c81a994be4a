"""The command line: reads the options, builds the contest, prints the report.

Exit status: 0 all rows count, 1 some do not or something failed, 2 usage, 130 Ctrl-C.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from benchmarks import agreement, issuer, load, machine, postgres
from benchmarks.errors import BenchmarkError
from benchmarks.parts import Part, generate
from benchmarks.plan import PART_COUNT, SCENARIOS, Options, Scenario
from benchmarks.processes import choose_cores, ended_by_signals, pinned
from benchmarks.report import Report
from benchmarks.rounds import Contest
from benchmarks.servers import Setting, migrate, serving
from benchmarks.stacks import FINALE_SHIPPED, FINALE_WAL, OURS, Stack, finale, ours
from benchmarks.stores import SQLiteStore, Store
from tests.conformance.node import find_node, install_finale, read_versions

_STACKS = (FINALE_SHIPPED, FINALE_WAL, OURS)
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a benchmark; return the exit status."""
    options = read_options(argv)
    try:
        with ended_by_signals():
            report = run(options)
    except BenchmarkError as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmarks: interrupted", file=sys.stderr)
        return _INTERRUPTED
    print(report.markdown())
    if options.json:
        options.json.write_text(json.dumps(report.record(), indent=1) + "\n")
    return 1 if report.faults else 0


def read_options(argv: Sequence[str] | None) -> Options:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 s instead of 5 of 4")
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument("--seconds", type=int, metavar="N", help="length of one measured run")
    parser.add_argument("--limit", type=int, default=1500, help="begin no round after N seconds")
    parser.add_argument("--postgres", action="store_true", help="over PostgreSQL, not SQLite")
    parser.add_argument("--index", action="store_true", help="index modelNumber on all sides")
    parser.add_argument("--tokens", type=int, default=1, help="how many tokens the load rotates")
    parser.add_argument("--only", nargs="+", choices=[s.name for s in SCENARIOS], metavar="ROW")
    parser.add_argument("--stacks", nargs="+", choices=_STACKS, default=_STACKS)
    parser.add_argument("--workdir", type=Path, default=Path("/var/tmp"), help="on a real disk")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every sample there")
    given = parser.parse_args(argv)
    rounds, seconds = (2, 2) if given.quick else (5, 4)
    options = Options(
        stacks=tuple(name for name in _STACKS if name in given.stacks),
        scenarios=_chosen(given.only),
        rounds=rounds if given.rounds is None else given.rounds,
        seconds=seconds if given.seconds is None else given.seconds,
        warmup=1,
        limit=given.limit,
        tokens=given.tokens,
        postgres=given.postgres,
        index=given.index,
        workdir=given.workdir,
        json=given.json,
    )
    if min(options.rounds, options.seconds, options.tokens) < 1:
        parser.error("--rounds, --seconds and --tokens must be at least 1")
    return options


def run(options: Options) -> Report:
    """Measure what the options ask for.

    Raises:
        BenchmarkError: something that the measurement needs is missing or wrong.
    """
    begun = time.monotonic()
    program = load.find_generator()
    cores = choose_cores()
    stacks, versions = _choose_stacks(options)
    parts = generate(PART_COUNT)
    with ExitStack() as stack:
        stack.enter_context(pinned(cores.load))
        workdir = stack.enter_context(_workdir(options.workdir))
        authority = stack.enter_context(issuer.serve())
        token = authority.token()
        setting = Setting(authority.url, token, cores.server, workdir)
        tokens = workdir / "tokens"
        others = (authority.token() for _ in range(options.tokens - 1))
        tokens.write_text("\n".join([token, *others]) + "\n")
        sockets = None
        if options.postgres:
            sockets = stack.enter_context(postgres.serve(workdir / "postgres", cores.load))
        opponents = [(one, _store(one, workdir, sockets)) for one in stacks]
        for one, store in opponents:
            _prepare(one, store, setting, parts, options)
        facts = machine.facts(workdir, cores)
        generator = load.Generator(program, cores.load, tokens, len(parts))
        samples, rounds = Contest(options, opponents, generator, setting).run()
    return Report(
        options=options,
        stacks=stacks,
        samples=samples,
        rounds=rounds,
        wall=time.monotonic() - begun,
        machine=facts,
        versions=versions,
        commit=machine.commit(),
    )


def _chosen(names: Sequence[str] | None) -> tuple[Scenario, ...]:
    return tuple(one for one in SCENARIOS if names is None or one.name in names)


def _choose_stacks(options: Options) -> tuple[list[Stack], dict[str, dict[str, str]]]:
    """Return the stacks that can run here, and the versions of each side."""
    names = [name for name in options.stacks if not (options.postgres and name == FINALE_WAL)]
    node = find_node()
    if node is None and names != [OURS]:
        print("npm or node is missing: measuring this service alone.", file=sys.stderr)
        names = [OURS]
    made: list[Stack] = []
    versions: dict[str, dict[str, str]] = {}
    if node and names != [OURS]:
        install_finale()
        versions["Finale"] = read_versions(node)
    for name in names:
        if name == OURS:
            made.append(ours())
            versions["This service"] = machine.python_versions()
        elif node:
            made.append(finale(node, wal=name == FINALE_WAL))
    return made, versions


def _store(stack: Stack, workdir: Path, sockets: Path | None) -> Store:
    if sockets is None:
        return SQLiteStore(workdir / stack.name, stack.name)
    return postgres.PostgresStore(sockets, stack.name)


def _prepare(
    stack: Stack, store: Store, setting: Setting, parts: Sequence[Part], options: Options
) -> None:
    """Make a stack's schema, fill it, and hold its answers against the data set."""
    store.create()
    migrate(stack, store, setting)
    store.fill(parts, _as_is if options.postgres else stack.stamp)
    if options.index:
        store.add_index()
    store.seal()
    with serving(stack, store, setting) as server:
        agreement.check(server, parts, setting.token)


def _as_is(moment: datetime) -> datetime:
    """Give PostgreSQL's driver a date as it is."""
    return moment


@contextmanager
def _workdir(parent: Path) -> Iterator[Path]:
    """Make a folder for the databases and remove it in the end."""
    folder = Path(tempfile.mkdtemp(prefix="parts-bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
