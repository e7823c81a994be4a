"""Statistics of samples: medians with their range, and the ratio to the best competitor."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.command_line import BenchmarkError
from benchmarks.competitors import OURS
from benchmarks.runner import Samples
from benchmarks.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, minimum and maximum of one value over the rounds."""

    median: float
    least: float
    most: float

    def format(self, digits: int = 0) -> str:
        """Return ``median (least-most)``."""
        values = (f"{value:,.{digits}f}" for value in (self.median, self.least, self.most))
        return "{} ({}-{})".format(*values)


def compute_spread(values: Sequence[float]) -> Spread | None:
    """Return the spread of some values, or None if there are none."""
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours divided by the best competitor's, for one scenario."""

    value: float
    least: float
    most: float
    against: str


def list_rates(samples: Samples, scenario: Scenario) -> list[float]:
    """Return requests per second, one value a round."""
    return [load.per_second for load in samples.loads.get(scenario.name, ())]


def compute_rate(samples: Samples, scenario: Scenario) -> Spread:
    """Return requests per second.

    Raises:
        BenchmarkError: A run is missing or invalid.
    """
    found = compute_spread(list_rates(samples, scenario))
    if found is None or samples.faults:
        raise BenchmarkError(f"invalid runs: {samples.faults}")
    return found


def compute_ratio(samples: Mapping[str, Samples], scenario: Scenario) -> Ratio | None:
    """Return the ratio of the medians, with the range of the ratios of single rounds.

    None if either side is missing or has an invalid run.
    """
    valid = {
        name: rates
        for name, found in samples.items()
        if (rates := list_rates(found, scenario)) and scenario.name not in found.faults
    }
    ours = valid.pop(OURS, None)
    if ours is None or not valid:
        return None
    best = max(valid, key=lambda name: statistics.median(valid[name]))
    each = [our / their for our, their in zip(ours, valid[best], strict=True)]
    value = statistics.median(ours) / statistics.median(valid[best])
    return Ratio(value, min(each), max(each), best)
