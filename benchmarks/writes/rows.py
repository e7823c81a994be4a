"""The rows of the report: what is compared with what, and the ratio to reach."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.writes.bare import update_rows
from benchmarks.writes.load import CONNECTIONS, Cost, measure_load
from benchmarks.writes.service import PLAIN, TRACKED
from benchmarks.writes.traffic import (
    BuildTraffic,
    Target,
    batch_of_creates,
    get_list,
    get_one,
    get_unchanged_list,
    patch_rows,
    post,
    post_some,
    post_with_key,
    put,
    put_with_tag,
)

BEFORE: Final = "before"
AFTER: Final = "after"
COPIES: Final = "copies"
"""This version with the copies of the parts' table, which only some rows need: as shipped, it is
compared with an earlier version."""
PARTS: Final = 10_000
CREATED: Final = 1_000
CPU: Final = "CPU"
TIME: Final = "time"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    Attributes:
        server: Which server: before, after or copies.
        measure: Measures it, for about so many seconds if it does not end by itself.
    """

    server: str
    measure: Callable[[Target, float], Cost]


def loaded(server: str, build: BuildTraffic) -> Side:
    """Return a side that sends requests for some time; its costs are those of a request."""

    def measure(target: Target, seconds: float) -> Cost:
        return measure_load(target.port, target.processes, build(target), seconds=seconds)

    return Side(server, measure)


def completed(
    build: BuildTraffic, items: int, connections: int = CONNECTIONS, server: str = COPIES
) -> Side:
    """Return a side that sends all its requests; its costs are those of an item."""

    def measure(target: Target, _: float) -> Cost:
        cost = measure_load(
            target.port, target.processes, build(target), seconds=None, connections=connections
        )
        return Cost(items, cost.seconds, cost.cpu_seconds)

    return Side(server, measure)


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
    return Row(f"{title}: after, before", loaded(BEFORE, build), loaded(AFTER, build), goal)


ROWS: Final = (
    _unchanged("GET one", get_one, 1.05),
    _unchanged("list of 100", get_list, 1.08),
    _unchanged("PUT", put(), 1.05),
    _unchanged("POST", post(), 1.05),
    Row("list: 304, 200", loaded(COPIES, get_list), loaded(COPIES, get_unchanged_list), 1 / 1.3),
    Row("PUT: with If-Match, without", loaded(COPIES, put()), loaded(COPIES, put_with_tag), 1.1),
    Row("POST: with a key, without", loaded(COPIES, post()), loaded(COPIES, post_with_key), 1.2),
    Row("POST: history, none", loaded(COPIES, post(PLAIN)), loaded(COPIES, post(TRACKED)), 1.4),
    Row("PUT: history, none", loaded(COPIES, put(PLAIN)), loaded(COPIES, put(TRACKED)), 1.4),
    Row(
        "1,000 creates: one batch, one client",
        completed(post_some(CREATED), CREATED, connections=1),
        completed(batch_of_creates(CREATED), CREATED, connections=1),
        1 / 8,
        TIME,
    ),
    Row(
        "1,000 creates: one batch, 32 clients",
        completed(post_some(CREATED), CREATED),
        completed(batch_of_creates(CREATED), CREATED, connections=1),
        1.0,
        TIME,
    ),
    Row(
        "PATCH of 10,000 rows by filter: service, bare UPDATE",
        Side(COPIES, update_rows),
        completed(patch_rows, PARTS, connections=1),
        2.0,
        TIME,
    ),
)
