"""The report: Markdown to read, JSON for comparing runs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.competitors import Competitor
from benchmarks.runner import Samples
from benchmarks.scenarios import CONNECTIONS, PART_COUNT, Options, Scenario
from benchmarks.stats import compute_ratio, compute_spread, list_rates


@dataclass(frozen=True, slots=True)
class Report:
    """The results of a run; `wall` is its duration in seconds."""

    options: Options
    competitors: Sequence[Competitor]
    samples: Mapping[str, Samples]
    rounds: int
    wall: float
    machine: Mapping[str, Any]
    versions: Mapping[str, Mapping[str, str]]
    commit: str

    @property
    def faults(self) -> list[str]:
        """One line for each scenario of a competitor that is invalid."""
        return [
            f"{one.title}, {name}: {found[0]}"
            for one in self.competitors
            for name, found in self.samples[one.name].faults.items()
        ]

    def to_markdown(self) -> str:
        """Return the whole report."""
        parts = [self._heading(), self._throughput(), self._latency(), self._footprint()]
        if self.faults:
            lines = "\n".join(f"- {line}" for line in self.faults)
            parts.append(f"Invalid rows:\n\n{lines}")
        parts.append(self._conditions())
        return "\n\n".join(parts) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return everything, with each sample, for the JSON file."""
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
            "stacks": {one.name: self._competitor_to_json(one) for one in self.competitors},
            "ratios": {one.name: self._ratio_to_json(one) for one in options.scenarios},
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
            [
                scenario.title,
                *(self._format_rate(competitor, scenario) for competitor in self.competitors),
                *self._format_ratio(scenario),
            ]
            for scenario in self.options.scenarios
        ]
        return self._table(rows, "times the better", "to reach")

    def _format_rate(self, competitor: Competitor, scenario: Scenario) -> str:
        samples = self.samples[competitor.name]
        if scenario.name in samples.faults:
            return "INVALID"
        spread = compute_spread(list_rates(samples, scenario))
        return "-" if spread is None else spread.format()

    def _format_ratio(self, scenario: Scenario) -> list[str]:
        ratio, goal = compute_ratio(self.samples, scenario), self.options.goal(scenario)
        shown = "-" if ratio is None else f"{ratio.value:.1f} ({ratio.least:.1f}-{ratio.most:.1f})"
        return [shown, "-" if goal is None else f"{goal:g}"]

    def _latency(self) -> str:
        rows = [
            [scenario.title, *(self._format_latency(one, scenario) for one in self.competitors)]
            for scenario in self.options.scenarios
        ]
        return (
            f"Latency with {CONNECTIONS} concurrent requests, ms: medians of p50 / p99.\n\n"
            f"{self._table(rows)}"
        )

    def _format_latency(self, competitor: Competitor, scenario: Scenario) -> str:
        loads = self.samples[competitor.name].loads.get(scenario.name, [])
        half = compute_spread([load.p50_ms for load in loads])
        tail = compute_spread([load.p99_ms for load in loads])
        return "-" if half is None or tail is None else f"{half.median:.1f} / {tail.median:.1f}"

    def _footprint(self) -> str:
        """Return start-up times and memory, as medians."""
        samples = [self.samples[competitor.name] for competitor in self.competitors]
        series: list[tuple[str, list[list[float]], int]] = [
            ("start to first 200 of /readyz, s", [found.ready for found in samples], 2),
            ("start to first 200 of GET /parts/1, s", [found.first_part for found in samples], 2),
        ]
        for when in ("idle", "after load"):
            for key in ("rss", "pss"):
                memory = [found.idle if when == "idle" else found.loaded for found in samples]
                values = [[value[key] for value in found] for found in memory]
                series.append((f"{key.upper()} {when}, MiB", values, 0))
        rows = [
            [
                title,
                *(
                    spread.format(digits) if (spread := compute_spread(found)) else "-"
                    for found in values
                ),
            ]
            for title, values, digits in series
        ]
        return f"Start, and memory summed over the process tree.\n\n{self._table(rows)}"

    def _table(self, rows: list[list[str]], *more: str) -> str:
        """Return a Markdown table: a column of titles, one for each competitor, and more."""
        head = ["", *(competitor.title for competitor in self.competitors), *more]
        lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def _conditions(self) -> str:
        machine = self.machine
        peak = max(
            (
                load.generator_share
                for samples in self.samples.values()
                for loads in samples.loads.values()
                for load in loads
            ),
            default=0.0,
        )
        measured_on = (
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
            measured_on,
            f"Disk: {machine['filesystem']}, 4 KiB append and fsync {machine['fsync_us']} us.",
            f"Durability: each acknowledged write fsynced, {durable}.",
            f"Tokens in use: {self.options.tokens}.",
            f"Commit {self.commit}; {self.wall:.0f} s in all.",
        ]
        for side, found in self.versions.items():
            listed = ", ".join(f"{name} {version}" for name, version in found.items())
            lines.append(f"{side}: {listed}.")
        return "\n".join(f"- {line}" for line in lines)

    def _competitor_to_json(self, competitor: Competitor) -> dict[str, Any]:
        samples = self.samples[competitor.name]
        return {
            "title": competitor.title,
            "ready_seconds": samples.ready,
            "first_part_seconds": samples.first_part,
            "memory_idle_mib": samples.idle,
            "memory_loaded_mib": samples.loaded,
            "faults": samples.faults,
            "loads": {
                name: [load.to_json() for load in loads] for name, loads in samples.loads.items()
            },
        }

    def _ratio_to_json(self, scenario: Scenario) -> dict[str, Any]:
        ratio = compute_ratio(self.samples, scenario)
        goal = {"to_reach": self.options.goal(scenario)}
        return goal if ratio is None else asdict(ratio) | goal
