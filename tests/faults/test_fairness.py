"""One client cannot starve another: slow reads, new statements and full queues, in process.

Who is first is told by the order of completion alone.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Iterator
from typing import Any

import httpx
import pytest

from encore.database.factory import open_database
from encore.database.sqlite import SqliteDatabase
from tests.faults.slow_service import ENDLESS, HEAVY, SLOW, NamedClient, add_routes, create_tables
from tests.fixtures.databases import database_url as database_url  # noqa: PLC0414 - a fixture
from tests.fixtures.in_process import InProcess
from tests.fixtures.problems import assert_problem

GREEDY = 20


class Clients(InProcess):
    """The slow service in process, called by clients of any name."""

    async def get(self, path: str, client: str) -> httpx.Response:
        return await self.call("GET", path, headers={"X-Client": client})


@pytest.fixture
def clients(database_url: str) -> Iterator[Clients]:
    create_tables(database_url)
    clients = _open(database_url)
    yield clients
    clients.close()


@pytest.fixture
def on_sqlite(clients: Clients) -> SqliteDatabase:
    if not isinstance(clients.database, SqliteDatabase):
        pytest.skip("PostgreSQL has no threads of ours")
    return clients.database


def _open(url: str) -> Clients:
    database = open_database(url)
    clients = Clients(url, database, NamedClient)
    add_routes(clients.app, database)
    return clients


async def in_order(done: list[str], name: str, request: Awaitable[httpx.Response]) -> None:
    """Make a request, and note its name once it is answered."""
    response = await request
    assert response.status_code == 200, response.text
    done.append(name)


async def under_way() -> None:
    """Let the requests made so far come to where they wait."""
    await asyncio.sleep(0.3)


def test_one_client_with_slow_reads_delays_anothers_requests_by_its_share_alone(
    clients: Clients,
) -> None:
    async def scenario() -> None:
        done: list[str] = []
        slow = f"/works/{SLOW}"
        requests = [in_order(done, "greedy", clients.get(slow, "greedy")) for _ in range(GREEDY)]
        requests += [
            in_order(done, path, clients.get(path, "modest"))
            for path in ("/notes/1", "/notes?sort=-text", slow)
        ]
        await asyncio.gather(*requests)
        last = max(number for number, name in enumerate(done) if name != "greedy")
        assert done[:last].count("greedy") < GREEDY / 2, done

    clients.run(scenario())


def test_heavy_statements_on_the_event_loop_let_quick_ones_in_between(
    clients: Clients, on_sqlite: SqliteDatabase
) -> None:
    async def scenario() -> None:
        done: list[str] = []
        for path in (f"/works/{HEAVY}", "/notes/1"):
            for _ in range(3):  # Known to the reader from here on.
                await clients.get(path, "greedy")
        greedy = [
            in_order(done, "greedy", clients.get(f"/works/{HEAVY}", "greedy"))
            for _ in range(GREEDY)
        ]
        modest = in_order(done, "modest", clients.get("/notes/1", "modest"))
        await asyncio.gather(*greedy, modest)
        assert done.index("modest") < GREEDY / 2, done

    del on_sqlite
    clients.run(scenario())


def test_clients_with_new_statements_take_turns(clients: Clients) -> None:
    filters = [
        f"{name}__{operator}=7" for name in ("id", "text") for operator in ("ne", "lt", "gt")
    ]
    shapes = [
        "/notes?" + "&".join(chosen)
        for size in (1, 2, 3)
        for chosen in itertools.combinations(filters, size)
    ]

    async def scenario() -> None:
        done: list[str] = []
        greedy = [in_order(done, "greedy", clients.get(path, "greedy")) for path in shapes]
        modest = in_order(done, "modest", clients.get("/notes?sort=text,-id", "modest"))
        await asyncio.gather(*greedy, modest)
        assert done.index("modest") < len(shapes) / 2, done

    clients.run(scenario())


def test_readiness_waits_for_no_slow_read(clients: Clients) -> None:
    async def scenario() -> None:
        await clients.database.check()
        slow = f"/works/{ENDLESS}"
        tasks = [
            asyncio.create_task(clients.get(slow, f"client {number}")) for number in range(GREEDY)
        ]
        await under_way()
        await clients.database.check()
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (await clients.get("/works/1", "modest")).status_code == 200

    clients.run(scenario())


def test_client_with_too_many_waiting_reads_is_refused_and_another_is_served(
    clients: Clients, on_sqlite: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert on_sqlite._reader is not None
    monkeypatch.setattr(on_sqlite._reader._slow._queue, "_waiting", 2)

    async def scenario() -> None:
        slow = f"/works/{SLOW}"
        await clients.get(slow, "greedy")  # It is known to be slow from here on.
        greedy = [asyncio.create_task(clients.get(slow, "greedy")) for _ in range(GREEDY)]
        await asyncio.sleep(0)
        modest = await clients.get(slow, "modest")
        assert modest.status_code == 200
        answers = await asyncio.gather(*greedy)
        refused = [answer for answer in answers if answer.status_code != 200]
        assert 0 < len(refused) < GREEDY
        for answer in refused:
            assert_problem(
                answer,
                503,
                "service-unavailable",
                "Too many requests are waiting for the database; try again later",
            )
            assert answer.headers["retry-after"] == "1"

    clients.run(scenario())


def test_cancelled_slow_reads_give_back_every_thread(
    clients: Clients, on_sqlite: SqliteDatabase
) -> None:
    async def scenario() -> None:
        reader: Any = on_sqlite._reader
        tasks = [
            asyncio.create_task(clients.get(f"/works/{ENDLESS}", f"client {number}"))
            for number in range(GREEDY)
        ]
        await under_way()
        assert reader._slow._queue.free + reader._first._queue.free < 6
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for queue in (reader._slow._queue, reader._first._queue):
            assert queue.waiters == 0
        assert reader._slow._queue.free == 4
        assert reader._first._queue.free == 2

    clients.run(scenario())
