"""Runs the rounds, in which the competitors take turns.

Within a group of scenarios the servers of all competitors are up at once, idle unless loaded, so
that the turns of one scenario are seconds apart and a slow minute of the machine affects all. The
order of the competitors rotates from round to round.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.competitors import Competitor
from benchmarks.databases import Database, SQLiteDatabase
from benchmarks.issuer import start_issuer
from benchmarks.load_generator import LoadGenerator, LoadResult, find_wrk
from benchmarks.processes import choose_cores, pin_to_core
from benchmarks.scenarios import Options, Scenario
from benchmarks.servers import RunSettings, Server, start_server

Prepare = Callable[[Competitor, SQLiteDatabase, RunSettings], None]
"""Creates and fills a competitor's database."""


@dataclass(slots=True)
class Samples:
    """Everything measured of one competitor."""

    loads: dict[str, list[LoadResult]] = field(default_factory=dict)
    """Scenario name -> one run a round."""
    ready: list[float] = field(default_factory=list)
    first_part: list[float] = field(default_factory=list)
    idle: list[dict[str, float]] = field(default_factory=list)
    """Memory before any load, MiB."""
    loaded: list[dict[str, float]] = field(default_factory=list)
    """Memory after the last scenario of a group, MiB."""
    faults: dict[str, list[str]] = field(default_factory=dict)
    """Scenario name -> why its runs are invalid."""

    def add_load(self, scenario: Scenario, load: LoadResult) -> None:
        """Add a run, and its fault if it has one."""
        self.loads.setdefault(scenario.name, []).append(load)
        if load.fault:
            self.faults.setdefault(scenario.name, []).append(load.fault)

    def add_start(self, server: Server) -> None:
        """Add the start-up times and idle memory of a server."""
        if server.ready_after is not None:
            self.ready.append(server.ready_after)
        self.first_part.append(server.first_part_after)
        self.idle.append(server.measure_memory())


@dataclass(frozen=True, slots=True)
class Runner:
    """The competitors with their databases, and the load generator."""

    options: Options
    competitors: Sequence[tuple[Competitor, Database]]
    generator: LoadGenerator
    settings: RunSettings

    def run_rounds(self) -> tuple[dict[str, Samples], int]:
        """Run the rounds that fit into the time limit; return the samples and the round count."""
        samples = {competitor.name: Samples() for competitor, _ in self.competitors}
        started = time.monotonic()
        for number in range(self.options.rounds):
            if number and time.monotonic() - started > self.options.limit:
                print(f"Time limit reached after {number} rounds.", file=sys.stderr)
                return samples, number
            for group in self.options.groups():
                self._run_group(group, number, samples)
        return samples, self.options.rounds

    def _run_group(
        self, group: tuple[Scenario, ...], number: int, samples: dict[str, Samples]
    ) -> None:
        first = number % len(self.competitors)
        order = [*self.competitors[first:], *self.competitors[:first]]
        created: dict[str, int] = {}
        with ExitStack() as stack:
            servers = {
                competitor.name: stack.enter_context(
                    start_server(competitor, database, self.settings)
                )
                for competitor, database in order
            }
            for name, server in servers.items():
                samples[name].add_start(server)
            for scenario in group:
                for name, server in servers.items():
                    created[name] = self._run_turn(server, scenario, number, samples[name])
            for name, server in servers.items():
                samples[name].loaded.append(server.measure_memory())
        for scenario in (scenario for scenario in group if scenario.appends):
            for name, server in servers.items():
                self._count_rows(server, scenario, created[name], samples[name])

    def _run_turn(self, server: Server, scenario: Scenario, number: int, samples: Samples) -> int:
        """Warm up and measure; return the count of 2xx responses in both."""
        seed = number * 1000 + len(samples.loads)
        warm_up = self.generator.run_load(
            scenario, port=server.port, seconds=self.options.warmup, seed=seed + 500
        )
        load = self.generator.run_load(
            scenario, port=server.port, seconds=self.options.seconds, seed=seed
        )
        samples.add_load(scenario, load)
        result = f"INVALID: {load.fault}" if load.fault else f"{load.per_second:,.0f}/s"
        print(
            f"round {number + 1} {scenario.name:<7} {server.competitor.name:<11} {result}",
            file=sys.stderr,
        )
        return warm_up.good + load.good

    def _count_rows(
        self, server: Server, scenario: Scenario, created: int, samples: Samples
    ) -> None:
        """Check, after the server has ended, that each acknowledged POST is a row."""
        found = server.database.count_parts() - self.generator.parts
        if found < created:
            fault = f"{created} rows were acknowledged, {found} are in the database"
            samples.faults.setdefault(scenario.name, []).append(fault)


def parse_options(name: str, description: str | None, scenario: Scenario) -> Options:
    """Parse the command line of a benchmark with one scenario."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=int, default=4, metavar="N")
    parser.add_argument("--workdir", type=Path, default=Path("/var/tmp"), help="on a real disk")
    return Options(scenarios=(scenario,), **vars(parser.parse_args()))


def measure(
    competitors: Sequence[Competitor], options: Options, prepare: Prepare, *, rows: int
) -> Mapping[str, Samples]:
    """Run the options' scenarios on each competitor in turn, over SQLite.

    Args:
        competitors: What to compare.
        options: What to measure and for how long.
        prepare: Creates and fills a competitor's database.
        rows: How many parts the load draws from.

    Raises:
        BenchmarkError: Something that the measurement needs is missing or wrong.
    """
    wrk, cores = find_wrk(), choose_cores()
    with (
        pin_to_core(cores.load),
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.workdir) as folder,
        start_issuer() as issuer,
    ):
        workdir = Path(folder)
        token = issuer.sign_token()
        tokens = workdir / "tokens"
        tokens.write_text(token + "\n")
        settings = RunSettings(issuer.url, token, cores.server, workdir)
        prepared = [
            (one, SQLiteDatabase(workdir / one.name, one.name, one.format_timestamp))
            for one in competitors
        ]
        for competitor, database in prepared:
            prepare(competitor, database, settings)
        generator = LoadGenerator(wrk, cores.load, tokens, rows)
        samples, _ = Runner(options, prepared, generator, settings).run_rounds()
    return samples
