"""Lists as of every instant are what the model held at that instant.

60 writes of each resource on each database in the suite; 3,000 by ``make proofs``.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.proofs.full import amount
from tests.proofs.http_connection import HTTPConnection
from tests.proofs.servers import ServerPair

pytestmark = pytest.mark.processes

WRITES = amount(60, 3_000)
MOST_ROWS = 12
PAGE = 5
RESOLUTION_S = 0.001
"""Of the timestamps that SQLite stores."""
COLLECTIONS = ("/chapters", "/editions")

State = dict[int, dict[str, Any]]


@dataclass
class Past:
    """The rows of a collection as they were at each instant.

    Attributes:
        rows: The current rows.
        instants: Each instant between two writes, and the rows then.
    """

    rows: State = field(default_factory=dict)
    instants: list[tuple[str, State]] = field(default_factory=list)

    async def remember(self) -> None:
        """Remember the rows as of now; the next write is at least a millisecond later."""
        self.instants.append((datetime.now(UTC).isoformat(), dict(self.rows)))
        await asyncio.sleep(RESOLUTION_S)


class Historian:
    """Writes rows at random, and remembers every state.

    Args:
        connections: One to each server; writes alternate.
        collection: The collection.
        rng: Of the random choices.
    """

    def __init__(
        self, connections: list[HTTPConnection], collection: str, rng: random.Random
    ) -> None:
        self._connections = connections
        self._collection = collection
        self._random = rng
        self._numbers = count(1)
        self.past = Past()

    async def write(self) -> None:
        """Create, change or delete a row; a change may repeat an old value."""
        connection = self._random.choice(self._connections)
        rows = self.past.rows
        kinds = ["create"] * (len(rows) < MOST_ROWS) + ["change", "change", "delete"] * bool(rows)
        kind = self._random.choice(kinds)
        body = {"value": f"{next(self._numbers)} {uuid4().hex}", "rank": self._random.randrange(3)}
        if kind == "create":
            response = await connection.request("POST", self._collection, body)
            assert response.status == 201, response
            rows[response.json()["id"]] = response.json()
        else:
            key = self._random.choice(list(rows))
            path = f"{self._collection}/{key}"
            if kind == "change":
                response = await connection.request("PATCH", path, body)
                assert response.status == 200, response
                rows[key] = response.json()
            else:
                response = await connection.request("DELETE", path)
                assert response.status in {200, 204}, response
                del rows[key]
        await self.past.remember()

    async def check(self, instant: str, expected: State) -> None:
        """Check list, filter, pages and single rows as of an instant."""
        connection = self._random.choice(self._connections)
        as_of = f"as_of={quote(instant)}"
        rows = [expected[key] for key in sorted(expected)]
        assert await self._list(connection, f"{as_of}&sort=id&count=100") == rows
        rank = self._random.randrange(3)
        ranked = [row for row in rows if row["rank"] == rank]
        assert await self._list(connection, f"{as_of}&rank={rank}&sort=id&count=100") == ranked
        start = self._random.randrange(0, MOST_ROWS, PAGE)
        page = await self._list(connection, f"{as_of}&sort=-id&count={PAGE}&offset={start}")
        assert page == rows[::-1][start : start + PAGE]
        key = self._random.choice([*self.past.rows, *expected] or [1])
        response = await connection.request("GET", f"{self._collection}/{key}?{as_of}")
        if key in expected:
            assert response.status == 200, response
            assert response.json() == expected[key]
        else:
            assert response.status == 404, response

    async def _list(self, connection: HTTPConnection, query: str) -> Any:
        response = await connection.request("GET", f"{self._collection}?{query}")
        assert response.status == 200, response
        return response.json()


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_list_as_of_every_instant_is_the_state_of_the_model(
    servers: ServerPair, collection: str
) -> None:
    async def run() -> None:
        connections = [server.connect("historian") for server in servers.both]
        historian = Historian(connections, collection, random.Random(13))
        for _ in range(WRITES):
            await historian.write()
        for instant, state in historian.past.instants:
            await historian.check(instant, state)
        for connection in connections:
            connection.close()

    asyncio.run(run())
