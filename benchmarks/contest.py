"""What the smaller benchmarks share: their options, their load, and a table of their figures."""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import issuer, load
from benchmarks.figures import Spread, spread
from benchmarks.plan import Options, Scenario
from benchmarks.processes import choose_cores, pinned
from benchmarks.rounds import Contest, Samples
from benchmarks.servers import Setting
from benchmarks.stacks import Stack
from benchmarks.stores import SQLiteStore

Prepare = Callable[[Stack, SQLiteStore, Setting], None]


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long to measure. Seconds are whole ones."""

    rounds: int
    seconds: int
    workdir: Path


def read_lengths(name: str, about: str | None, argv: Sequence[str] | None) -> Lengths:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=int, default=4, metavar="N")
    parser.add_argument("--workdir", type=Path, default=Path("/var/tmp"), help="on a real disk")
    given = parser.parse_args(argv)
    return Lengths(given.rounds, given.seconds, given.workdir)


def measure(
    stacks: Sequence[Stack], scenario: Scenario, lengths: Lengths, prepare: Prepare, *, rows: int
) -> Mapping[str, Samples]:
    """Run one scenario on each stack in turn, over SQLite.

    Args:
        stacks: Who takes part.
        scenario: What is asked.
        lengths: For how long.
        prepare: Makes and fills a stack's database.
        rows: How many parts the load draws from.

    Raises:
        BenchmarkError: Something that the measurement needs is missing or wrong.
    """
    program = load.find_generator()
    cores = choose_cores()
    options = Options(
        stacks=tuple(stack.name for stack in stacks),
        scenarios=(scenario,),
        rounds=lengths.rounds,
        seconds=lengths.seconds,
        warmup=1,
        limit=600,
        tokens=1,
        postgres=False,
        index=False,
        workdir=lengths.workdir,
        json=None,
    )
    with pinned(cores.load), _folder(lengths.workdir) as workdir, issuer.serve() as authority:
        token = authority.token()
        tokens = workdir / "tokens"
        tokens.write_text(token + "\n")
        setting = Setting(authority.url, token, cores.server, workdir)
        opponents = [(one, SQLiteStore(workdir / one.name, one.name)) for one in stacks]
        for one, store in opponents:
            prepare(one, store, setting)
        generator = load.Generator(program, cores.load, tokens, rows)
        samples, _ = Contest(options, opponents, generator, setting).run()
    return samples


def rate(samples: Samples, scenario: Scenario) -> Spread:
    """Give requests per second; every run must count.

    Raises:
        ValueError: One does not.
    """
    found = spread([one.per_second for one in samples.loads[scenario.name]])
    if found is None or samples.faults:
        raise ValueError(samples.faults)
    return found


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="contest-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
