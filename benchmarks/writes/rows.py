"""The rows of the report: what is compared with what, and the ratio to reach."""

from dataclasses import dataclass
from typing import Final

from benchmarks.writes.load import CONNECTIONS
from benchmarks.writes.traffic import (
    BuildTraffic,
    get_list,
    get_one,
    post,
    put,
)

BEFORE: Final = "before"
AFTER: Final = "after"
CPU: Final = "CPU"
TIME: Final = "time"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    Attributes:
        server: Which server: before or after.
        build: Returns its requests.
        items: What the costs are divided by, if the requests end by themselves; None for a load
            of some seconds, whose costs are those of a request.
        connections: How many clients send at once.
    """

    server: str
    build: BuildTraffic
    items: int | None = None
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the report.

    Attributes:
        title: What the new side does, and what it is compared with.
        base: What it is compared with.
        new: What is measured.
        goal: The most that the new side may cost, in times of the base; None for a figure only.
        measure: Which cost the goal is about: the server's processor time, or elapsed time.
    """

    title: str
    base: Side
    new: Side
    goal: float | None = None
    measure: str = CPU


def _unchanged(title: str, build: BuildTraffic, goal: float) -> Row:
    """Return a row that compares the same requests before and after."""
    return Row(f"{title}: after, before", Side(BEFORE, build), Side(AFTER, build), goal)


ROWS: Final = (
    _unchanged("GET one", get_one, 1.05),
    _unchanged("list of 100", get_list, 1.08),
    _unchanged("PUT", put(), 1.05),
    _unchanged("POST", post(), 1.05),
)
