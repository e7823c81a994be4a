"""Generated queries, sent to this library and to the servers whose languages the dialects are.

The real json-server 0.17 and FakeRest have the same rows as the resource. Queries whose meaning is
the same must have the same rows in the same order, and the same total; docs/how-to/react-admin.md
lists what differs. Rows without a value are not sorted by it, and are not compared by order.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from tests.fixtures.in_process import empty
from tests.fixtures.library import Api
from tests.fixtures.library_models import Kind, LibraryBase
from tests.front_ends.front_end import NodeClients

pytestmark = pytest.mark.processes

ROWS: Final = 40
QUERIES: Final = 150
SORTED: Final = ("id", "whole", "real", "short", "day")
"""The fields of which every row has a value that all compare alike."""

COMPARED: Final = (*SORTED, "text", "flag", "uidText")
Pairs = list[tuple[str, str]]


def make_rows(random: Random) -> list[dict[str, Any]]:
    """Return rows; only ``text``, ``flag`` and ``uidText`` may be null."""
    return [
        {
            "id": number,
            "whole": random.randint(-3, 3),
            "real": random.choice([0.5, 1.25, -2.75, 10.125]),
            "short": random.choice("xyz"),
            "day": f"20{random.randint(10, 30)}-0{random.randint(1, 9)}-11",
            "text": random.choice([None, "", *("".join(random.choices("xyzXYZ%_", k=4)),) * 5]),
            "flag": random.choice([None, True, False]),
            "uidText": random.choice([None, "00000000-0000-4000-8000-000000000001"]),
        }
        for number in range(1, ROWS + 1)
    ]


@pytest.fixture(scope="module")
def kinds(library_url: str) -> Iterator[Api]:
    """Return a service with the rows."""

    def clear(connection: sa.Connection) -> None:
        empty(connection, LibraryBase.metadata)
        connection.commit()

    with_connection(library_url, clear)
    api = Api(library_url)
    api.crud.resource(Kind, dialects=["react-admin", "json-server"])
    assert api.post("/kinds", make_rows(Random(15))).status_code == 200
    yield api
    api.close()


@pytest.fixture(scope="module")
def rows(kinds: Api) -> list[dict[str, Any]]:
    """Return the rows as JSON."""
    rows: list[dict[str, Any]] = kinds.read("/kinds")
    assert len(rows) == ROWS
    return rows


class Generator:
    """Generates queries about rows.

    Args:
        random: The source of randomness.
        rows: The rows.
    """

    def __init__(self, random: Random, rows: list[dict[str, Any]]) -> None:
        self.random = random
        self.rows = rows

    def value(self, name: str) -> Any:
        """Return a value of a field that some row has."""
        return self.random.choice([row[name] for row in self.rows if row[name] is not None])

    def json_server(self) -> Pairs:
        """Return the parameters of a query of json-server."""
        random = self.random
        pairs: Pairs = []
        for _ in range(random.choice([0, 1, 1, 2, 3])):
            name = random.choice(COMPARED)
            suffixes = ["", "_ne", *(["_gte", "_lte"] if name in SORTED else [])]
            parameter = name + random.choice(suffixes)
            repeated = random.choice([1, 1, 1, 2, 3])
            pairs += [(parameter, as_text(self.value(name))) for _ in range(repeated)]
        if random.random() < 0.3:
            pairs += [("text_like", self.term()) for _ in range(random.choice([1, 1, 2]))]
        if random.random() < 0.15:
            pairs.append(("q", self.term()))
        if random.random() < 0.6:
            names = random.sample(SORTED, random.choice([1, 1, 2, 3]))
            pairs.append(("_sort", ",".join(names)))
            orders = [random.choice(["asc", "desc", "ASC", "DESC"]) for _ in names]
            orders = orders[: random.randint(0, len(orders))]
            pairs += [("_order", ",".join(orders))] if orders else []
        pairs += self.page()
        random.shuffle(pairs)
        return pairs

    def term(self) -> str:
        return "".join(self.random.choices("xyzXYZ%_", k=self.random.choice([1, 1, 2, 3])))

    def page(self) -> Pairs:
        """Return the parameters of a page; one whose total json-server sends."""
        random = self.random
        start = random.randint(0, 45)
        match random.choice("eelsp"):
            case "e":
                return [("_start", str(start)), ("_end", str(start + random.randint(0, 20)))]
            case "l":
                return [("_limit", str(random.randint(1, 20)))]
            case "s":
                return [("_start", str(start)), ("_limit", str(random.randint(1, 20)))]
        limit = [("_limit", str(random.randint(1, 20)))] if random.random() < 0.7 else []
        return [("_page", str(random.randint(1, 4))), *limit]

    def fakerest(self) -> Pairs:
        """Return the parameters of a query of react-admin."""
        random = self.random
        filter_: dict[str, Any] = {}
        for _ in range(random.choice([0, 1, 1, 2, 3])):
            name = random.choice(COMPARED)
            several = [self.value(name) for _ in range(random.randint(0, 3))]
            value = self.value(name)
            ordered = ("_gt", "_gte", "_lt", "_lte") if name in SORTED else ()
            filter_ |= random.choice(
                [
                    {name: value},
                    {name: as_text(value)},
                    {name: several},
                    {name: None},
                    {f"{name}_eq": value},
                    {f"{name}_neq": value},
                    {f"{name}_eq_any": several},
                    {f"{name}_neq_any": several},
                    *({name + operator: value} for operator in ordered),
                ]
            )
        if random.random() < 0.3:
            filter_["short_q"] = random.choice("xyzXYZ")
        if random.random() < 0.2:
            filter_["q"] = "".join(random.choices("xyzXYZ%_", k=2))
        query: dict[str, Any] = {"filter": filter_}
        if random.random() < 0.7:
            start = random.randint(0, 45)
            query["range"] = [start, start + random.randint(0, 20)]
        if random.random() < 0.7:
            query["sort"] = [random.choice(SORTED), random.choice(["ASC", "DESC", "asc"])]
        return [(name, json.dumps(value)) for name, value in query.items()]


def as_text(value: Any) -> str:
    """Return a value as a JavaScript client writes it into a query."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def test_queries_of_json_server_have_its_rows(
    clients: NodeClients, kinds: Api, rows: list[dict[str, Any]]
) -> None:
    url = clients.start_server("json-server", rows)
    generator = Generator(Random(17), rows)
    found = 0
    with httpx.Client() as client:
        for _ in range(QUERIES):
            query = urlencode(generator.json_server())
            theirs, ours = client.get(f"{url}?{query}"), kinds.get(f"/kinds?{query}")
            assert ours.status_code == 200, (query, ours.text)
            assert ours.json() == theirs.json(), query
            assert ours.headers["x-total-count"] == theirs.headers["x-total-count"], query
            found += bool(ours.json())
    assert found > QUERIES // 4


def test_queries_of_react_admin_have_the_rows_of_fakerest(
    clients: NodeClients, kinds: Api, rows: list[dict[str, Any]]
) -> None:
    url = clients.start_server("fakerest", rows)
    generator = Generator(Random(18), rows)
    found = 0
    with httpx.Client() as client:
        for _ in range(QUERIES):
            query = urlencode(generator.fakerest())
            theirs, ours = client.get(f"{url}?{query}"), kinds.get(f"/kinds?{query}")
            assert ours.status_code == 200, (query, ours.text)
            assert ours.json() == theirs.json(), query
            total = theirs.headers["content-range"].rpartition("/")[2]
            assert ours.headers["content-range"].rpartition("/")[2] == total, query
            found += bool(ours.json())
    assert found > QUERIES // 4
