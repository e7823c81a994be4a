"""What is measured, for how long, and the ratios to reach.

A scenario names one row of the report and the request builder of the same name in
`load.lua`. Scenarios of one group share a freshly started server over a freshly reset
database; whatever changes the size of the table has a group of its own. ``EMBEDDED`` is for
`associations.py` alone: the seed's application has no relations.
"""

from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
PART_COUNT = 10_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the report."""

    name: str
    title: str
    appends: bool = False
    """Every 2xx answer is a new row, so the harness counts them afterwards."""


GET = Scenario("get", "GET one, random ids")
LIST = Scenario("list", "list of 100")
FILTER = Scenario("filter", "equality filter, 8 of 10,000 match")
SEARCH = Scenario("search", "LIKE search, 8 of 10,000 match")
PUT = Scenario("put", "PUT")
POST = Scenario("post", "POST", appends=True)
EMBEDDED = Scenario("embedded", "list of 100 with a to-one and a to-many relation")
MIX = Scenario("mix", "mix: 80 % one, 15 % list, 5 % write")

SCENARIOS = (GET, LIST, FILTER, SEARCH, PUT, POST, MIX)
GROUPS = ((GET, LIST, FILTER, SEARCH), (PUT,), (POST,), (MIX,), (EMBEDDED,))


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for. Times are in seconds, whole ones where wrk takes them."""

    stacks: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    rounds: int
    seconds: int
    warmup: int
    limit: float
    """No new round begins after this much wall time."""
    tokens: int
    postgres: bool
    index: bool
    workdir: Path
    json: Path | None

    def groups(self) -> list[tuple[Scenario, ...]]:
        """Return the groups, cut down to the scenarios asked for."""
        cut = (tuple(s for s in group if s in self.scenarios) for group in GROUPS)
        return [group for group in cut if group]

    def to_reach(self, scenario: Scenario) -> float | None:
        """Return the ratio that this project set itself, or None where it set none."""
        if self.postgres:
            return {"get": 5.0, "list": 3.0, "put": 4.0, "post": 4.0}.get(scenario.name)
        goals = {"get": 8.0, "list": 10.0, "filter": 4.0, "put": 7.0, "post": 7.0, "mix": 8.0}
        if self.index:
            goals["filter"] = 15.0
        return goals.get(scenario.name)
