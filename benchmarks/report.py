"""The report: Markdown for people, JSON for whatever compares runs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.figures import rates, ratio, spread
from benchmarks.plan import CONNECTIONS, PART_COUNT, Options, Scenario
from benchmarks.rounds import Samples
from benchmarks.stacks import Stack


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run. `wall` is its length in seconds."""

    options: Options
    stacks: Sequence[Stack]
    samples: Mapping[str, Samples]
    rounds: int
    wall: float
    machine: Mapping[str, Any]
    versions: Mapping[str, Mapping[str, str]]
    commit: str

    @property
    def faults(self) -> list[str]:
        """Return one line for each scenario of a stack that does not count."""
        return [
            f"{stack.title}, {name}: {found[0]}"
            for stack in self.stacks
            for name, found in self.samples[stack.name].faults.items()
        ]

    def markdown(self) -> str:
        """Return the whole report."""
        parts = [self._heading(), self._throughput(), self._latency(), self._footprint()]
        if self.faults:
            lines = "\n".join(f"- {line}" for line in self.faults)
            parts.append(f"Rows that do not count:\n\n{lines}")
        parts.append(self._conditions())
        return "\n\n".join(parts) + "\n"

    def record(self) -> dict[str, Any]:
        """Return everything, each sample included, for the JSON file."""
        options = self.options
        return {
            "commit": self.commit,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "database": "postgresql" if options.postgres else "sqlite",
            "index": options.index,
            "parts": PART_COUNT,
            "connections": CONNECTIONS,
            "tokens": options.tokens,
            "rounds": self.rounds,
            "seconds": options.seconds,
            "warmup_seconds": options.warmup,
            "wall_seconds": round(self.wall, 1),
            "machine": dict(self.machine),
            "versions": {name: dict(found) for name, found in self.versions.items()},
            "stacks": {stack.name: self._stack_record(stack) for stack in self.stacks},
            "ratios": {one.name: self._ratio_record(one) for one in options.scenarios},
            "faults": self.faults,
        }

    def _heading(self) -> str:
        options = self.options
        database = "PostgreSQL" if options.postgres else "SQLite"
        index = ", modelNumber indexed on both sides" if options.index else ""
        return (
            f"## {PART_COUNT:,} parts in {database}{index}; auth on\n\n"
            f"Requests per second: median of {self.rounds} rounds of {options.seconds} s "
            f"(least-most); {CONNECTIONS} connections."
        )

    def _throughput(self) -> str:
        rows = [
            [one.title, *(self._rate(stack, one) for stack in self.stacks), *self._against(one)]
            for one in self.options.scenarios
        ]
        return _table(["", *(s.title for s in self.stacks), "times the better", "to reach"], rows)

    def _rate(self, stack: Stack, scenario: Scenario) -> str:
        samples = self.samples[stack.name]
        if scenario.name in samples.faults:
            return "INVALID"
        found = spread(rates(samples, scenario))
        return "-" if found is None else found.text()

    def _against(self, scenario: Scenario) -> list[str]:
        found = ratio(self.samples, scenario)
        goal = self.options.to_reach(scenario)
        shown = "-" if found is None else f"{found.value:.1f} ({found.least:.1f}-{found.most:.1f})"
        return [shown, "-" if goal is None else f"{goal:g}"]

    def _latency(self) -> str:
        rows = [
            [one.title, *(self._percentiles(stack, one) for stack in self.stacks)]
            for one in self.options.scenarios
        ]
        table = _table(["", *(stack.title for stack in self.stacks)], rows)
        return (
            f"Latency with {CONNECTIONS} requests under way, ms: medians of p50 / p99.\n\n{table}"
        )

    def _percentiles(self, stack: Stack, scenario: Scenario) -> str:
        loads = self.samples[stack.name].loads.get(scenario.name, [])
        half = spread([load.p50_ms for load in loads])
        tail = spread([load.p99_ms for load in loads])
        return "-" if half is None or tail is None else f"{half.median:.1f} / {tail.median:.1f}"

    def _footprint(self) -> str:
        """Return start and memory; medians."""
        samples = [self.samples[stack.name] for stack in self.stacks]
        series: list[tuple[str, list[list[float]], int]] = [
            ("start to first 200 of /readyz, s", [one.ready for one in samples], 2),
            ("start to first 200 of GET /parts/1, s", [one.first_part for one in samples], 2),
        ]
        for when, kept in (("idle", [s.idle for s in samples]), ("after load", _loaded(samples))):
            for key in ("rss", "pss"):
                values = [[one[key] for one in each] for each in kept]
                series.append((f"{key.upper()} {when}, MiB", values, 0))
        rows = [
            [title, *("-" if (s := spread(v)) is None else s.text(digits) for v in values)]
            for title, values, digits in series
        ]
        table = _table(["", *(stack.title for stack in self.stacks)], rows)
        return f"Start, and memory summed over the process tree.\n\n{table}"

    def _conditions(self) -> str:
        machine = self.machine
        peak = max(
            (
                load.generator_share
                for one in self.samples.values()
                for loads in one.loads.values()
                for load in loads
            ),
            default=0.0,
        )
        where = (
            f"Machine: {machine['cpu']}, {machine['cores']} cores, "
            f"{machine['memory_gib']} GiB, {machine['kernel']}; servers on core "
            f"{machine['server_core']}, load on core {machine['load_core']} "
            f"(wrk used at most {peak:.0%} of it)."
        )
        durable = (
            "PostgreSQL's defaults (fsync and synchronous_commit on)"
            if self.options.postgres
            else "SQLite's synchronous=FULL on all sides"
        )
        lines = [
            where,
            f"Disk: {machine['filesystem']}, 4 KiB append and fsync {machine['fsync_us']} us.",
            f"Durability: each acknowledged write fsynced, {durable}.",
            f"Tokens in use: {self.options.tokens}.",
            f"Commit {self.commit}; {self.wall:.0f} s in all.",
        ]
        for side, found in self.versions.items():
            listed = ", ".join(f"{name} {version}" for name, version in found.items())
            lines.append(f"{side}: {listed}.")
        return "\n".join(f"- {line}" for line in lines)

    def _stack_record(self, stack: Stack) -> dict[str, Any]:
        samples = self.samples[stack.name]
        return {
            "title": stack.title,
            "ready_seconds": samples.ready,
            "first_part_seconds": samples.first_part,
            "memory_idle_mib": samples.idle,
            "memory_loaded_mib": samples.loaded,
            "faults": samples.faults,
            "loads": {
                name: [load.record() for load in loads] for name, loads in samples.loads.items()
            },
        }

    def _ratio_record(self, scenario: Scenario) -> dict[str, Any]:
        found = ratio(self.samples, scenario)
        goal = {"to_reach": self.options.to_reach(scenario)}
        return goal if found is None else asdict(found) | goal


def _loaded(samples: Sequence[Samples]) -> list[list[dict[str, float]]]:
    return [one.loaded for one in samples]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
