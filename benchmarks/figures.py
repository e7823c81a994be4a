"""From samples to figures: medians with their range, and the ratio to the better opponent."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.plan import Scenario
from benchmarks.rounds import Samples
from benchmarks.stacks import OURS


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of one figure over the rounds."""

    median: float
    least: float
    most: float

    def text(self, digits: int = 0) -> str:
        """Return `median (least-most)`."""
        shown = (f"{value:,.{digits}f}" for value in (self.median, self.least, self.most))
        return "{} ({}-{})".format(*shown)


def spread(values: Sequence[float]) -> Spread | None:
    """Return the spread of some values, or None where there are none."""
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours against the better opponent of one scenario."""

    value: float
    least: float
    most: float
    against: str


def rates(samples: Samples, scenario: Scenario) -> list[float]:
    """Return requests per second, one a round."""
    return [load.per_second for load in samples.loads.get(scenario.name, ())]


def ratio(samples: Mapping[str, Samples], scenario: Scenario) -> Ratio | None:
    """Return the ratio of medians, and the range of the ratio of each round.

    None where either side is missing or has a run that does not count.
    """
    valid = {
        name: found
        for name, one in samples.items()
        if (found := rates(one, scenario)) and scenario.name not in one.faults
    }
    own = valid.pop(OURS, None)
    if own is None or not valid:
        return None
    best = max(valid, key=lambda name: statistics.median(valid[name]))
    each = [ours / theirs for ours, theirs in zip(own, valid[best], strict=True)]
    value = statistics.median(own) / statistics.median(valid[best])
    return Ratio(value, min(each), max(each), best)
