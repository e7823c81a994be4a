"""The measuring itself: rounds in which the stacks take turns.

Within a group all stacks' servers are up at once, the ones not under load idle, so that
the turns of one scenario lie seconds apart and a slow minute of the machine hits all.
The order of the stacks rotates from round to round.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.load import Generator, Load
from benchmarks.plan import Options, Scenario
from benchmarks.servers import Server, Setting, serving
from benchmarks.stacks import Stack
from benchmarks.stores import Store


@dataclass(slots=True)
class Samples:
    """Everything measured of one stack."""

    loads: dict[str, list[Load]] = field(default_factory=dict)
    """Scenario name -> one run a round."""
    ready: list[float] = field(default_factory=list)
    first_part: list[float] = field(default_factory=list)
    idle: list[dict[str, float]] = field(default_factory=list)
    """Memory before any load, MiB."""
    loaded: list[dict[str, float]] = field(default_factory=list)
    """Memory after the last scenario of a group, MiB."""
    faults: dict[str, list[str]] = field(default_factory=dict)
    """Scenario name -> why runs of it do not count."""

    def add(self, scenario: Scenario, load: Load) -> None:
        """Keep a run, and its fault if it has one."""
        self.loads.setdefault(scenario.name, []).append(load)
        if load.fault:
            self.faults.setdefault(scenario.name, []).append(load.fault)


@dataclass(frozen=True, slots=True)
class Contest:
    """The stacks with their databases, and what drives them."""

    options: Options
    opponents: Sequence[tuple[Stack, Store]]
    generator: Generator
    setting: Setting

    def run(self) -> tuple[dict[str, Samples], int]:
        """Run the rounds that fit into the time limit; return the samples and their number."""
        samples = {stack.name: Samples() for stack, _ in self.opponents}
        begun = time.monotonic()
        for number in range(self.options.rounds):
            if number and time.monotonic() - begun > self.options.limit:
                print(f"Time is up after {number} rounds.", file=sys.stderr)
                return samples, number
            for group in self.options.groups():
                self._group(group, number, samples)
        return samples, self.options.rounds

    def _group(self, group: tuple[Scenario, ...], number: int, samples: dict[str, Samples]) -> None:
        turn = number % len(self.opponents)
        order = [*self.opponents[turn:], *self.opponents[:turn]]
        appended: dict[str, int] = {}
        with ExitStack() as stack:
            servers = [
                stack.enter_context(serving(one, store, self.setting)) for one, store in order
            ]
            for server in servers:
                _note_start(server, samples[server.stack.name])
            for scenario in group:
                for server in servers:
                    appended[server.stack.name] = self._turn(
                        server, scenario, number, samples[server.stack.name]
                    )
            for server in servers:
                samples[server.stack.name].loaded.append(server.memory())
        for scenario in (one for one in group if one.appends):
            for server in servers:
                self._count(server, scenario, appended[server.stack.name], samples)

    def _turn(self, server: Server, scenario: Scenario, number: int, samples: Samples) -> int:
        """Warm up and measure; return how many requests were answered 2xx in both."""
        seed = number * 1000 + len(samples.loads)
        warm = self.generator.run(
            scenario, port=server.port, seconds=self.options.warmup, seed=seed + 500
        )
        load = self.generator.run(
            scenario, port=server.port, seconds=self.options.seconds, seed=seed
        )
        samples.add(scenario, load)
        verdict = f"INVALID: {load.fault}" if load.fault else f"{load.per_second:,.0f}/s"
        print(
            f"round {number + 1} {scenario.name:<7} {server.stack.name:<11} {verdict}",
            file=sys.stderr,
        )
        return warm.good + load.good

    def _count(
        self, server: Server, scenario: Scenario, appended: int, samples: dict[str, Samples]
    ) -> None:
        """Hold a stack to what it acknowledged: each 2xx of a POST is a row, now it has ended."""
        found = server.store.count() - self.generator.parts
        if found < appended:
            fault = f"{appended} rows were acknowledged, {found} are in the database"
            samples[server.stack.name].faults.setdefault(scenario.name, []).append(fault)


def _note_start(server: Server, samples: Samples) -> None:
    if server.ready_after is not None:
        samples.ready.append(server.ready_after)
    samples.first_part.append(server.first_part_after)
    samples.idle.append(server.memory())
