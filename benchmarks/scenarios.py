"""What is measured, for how long, and the ratios to reach.

A scenario names one row of the report, and the function in `load.lua` that builds its requests.
Scenarios of one group share a freshly started server over a freshly restored database; those that
change the size of the table are groups by themselves. ``EMBEDDED`` is for `associations.py` only:
the Okta sample has no relations.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONNECTIONS: Final = 32
PART_COUNT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the report."""

    name: str
    title: str
    appends: bool = False
    """Every 2xx response is a new row; the harness counts the rows afterwards."""


GET: Final = Scenario("get", "GET one, random ids")
LIST: Final = Scenario("list", "list of 100")
FILTER: Final = Scenario("filter", "equality filter, 8 of 10,000 match")
SEARCH: Final = Scenario("search", "LIKE search, 8 of 10,000 match")
PUT: Final = Scenario("put", "PUT")
POST: Final = Scenario("post", "POST", appends=True)
EMBEDDED: Final = Scenario("embedded", "list of 100 with a to-one and a to-many relation")
MIX: Final = Scenario("mix", "mix: 80 % one, 15 % list, 5 % write")

SCENARIOS: Final = (GET, LIST, FILTER, SEARCH, PUT, POST, MIX)
GROUPS: Final = ((GET, LIST, FILTER, SEARCH), (PUT,), (POST,), (MIX,), (EMBEDDED,))


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line. Times are in seconds; wrk takes only integers."""

    scenarios: tuple[Scenario, ...]
    rounds: int
    seconds: int
    workdir: Path
    stacks: tuple[str, ...] = ()
    warmup: int = 1
    limit: float = 600
    """No round begins after this much wall time."""
    tokens: int = 1
    postgres: bool = False
    index: bool = False
    json: Path | None = None

    def groups(self) -> list[tuple[Scenario, ...]]:
        """Return the groups, restricted to the chosen scenarios."""
        chosen = (tuple(s for s in group if s in self.scenarios) for group in GROUPS)
        return [group for group in chosen if group]

    def goal(self, scenario: Scenario) -> float | None:
        """Return the ratio that this project aims at, or None."""
        if self.postgres:
            return {"get": 5.0, "list": 3.0, "put": 4.0, "post": 4.0}.get(scenario.name)
        goals = {"get": 8.0, "list": 10.0, "filter": 4.0, "put": 7.0, "post": 7.0, "mix": 8.0}
        if self.index:
            goals["filter"] = 15.0
        return goals.get(scenario.name)
