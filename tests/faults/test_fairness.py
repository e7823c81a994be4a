"""One client cannot starve another: slow reads, new statements and full queues, in process.

The tests check the order of completion only.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Iterator
from typing import Any

import httpx
import pytest

from encore.database.factory import open_database
from encore.database.sqlite import SqliteDatabase
from tests.faults.slow_service import (
    ENDLESS,
    HEAVY,
    SLOW,
    ClientHeaderMiddleware,
    add_routes,
    create_tables,
)
from tests.fixtures.databases import database_url as database_url  # noqa: PLC0414 - a fixture
from tests.fixtures.in_process import InProcessService
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import START_SECONDS

GREEDY = 20


class Clients(InProcessService):
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
def sqlite_database(clients: Clients) -> SqliteDatabase:
    if not isinstance(clients.database, SqliteDatabase):
        pytest.skip("threads are used for SQLite only")
    return clients.database


def _open(url: str) -> Clients:
    database = open_database(url)
    clients = Clients(url, database, ClientHeaderMiddleware)
    add_routes(clients.app, database)
    return clients


async def record_completion(
    completed: list[str], name: str, request: Awaitable[httpx.Response]
) -> None:
    """Await a request, and append its name to the completed ones."""
    response = await request
    assert response.status_code == 200, response.text
    completed.append(name)


async def wait_until_started() -> None:
    """Wait until the requests made so far are in progress."""
    await asyncio.sleep(0.3)


def test_slow_reads_of_one_client_delay_another_by_its_share_only(
    clients: Clients,
) -> None:
    async def scenario() -> None:
        completed: list[str] = []
        slow = f"/works/{SLOW}"
        requests = [
            record_completion(completed, "greedy", clients.get(slow, "greedy"))
            for _ in range(GREEDY)
        ]
        requests += [
            record_completion(completed, path, clients.get(path, "modest"))
            for path in ("/notes/1", "/notes?sort=-text", slow)
        ]
        await asyncio.gather(*requests)
        last = max(index for index, name in enumerate(completed) if name != "greedy")
        assert completed[:last].count("greedy") < GREEDY / 2, completed

    clients.run(scenario())


def test_quick_statement_runs_between_heavy_ones_on_the_event_loop(
    clients: Clients, sqlite_database: SqliteDatabase
) -> None:
    async def scenario() -> None:
        completed: list[str] = []
        for path in (f"/works/{HEAVY}", "/notes/1"):
            for _ in range(3):  # From here on the reader knows the statement.
                await clients.get(path, "greedy")
        greedy = [
            record_completion(completed, "greedy", clients.get(f"/works/{HEAVY}", "greedy"))
            for _ in range(GREEDY)
        ]
        modest = record_completion(completed, "modest", clients.get("/notes/1", "modest"))
        await asyncio.gather(*greedy, modest)
        assert completed.index("modest") < GREEDY / 2, completed

    del sqlite_database
    clients.run(scenario())


def test_new_statements_of_clients_take_turns(clients: Clients) -> None:
    filters = [
        f"{name}__{operator}=7" for name in ("id", "text") for operator in ("ne", "lt", "gt")
    ]
    paths = [
        "/notes?" + "&".join(combination)
        for size in (1, 2, 3)
        for combination in itertools.combinations(filters, size)
    ]

    async def scenario() -> None:
        completed: list[str] = []
        greedy = [
            record_completion(completed, "greedy", clients.get(path, "greedy")) for path in paths
        ]
        modest = record_completion(
            completed, "modest", clients.get("/notes?sort=text,-id", "modest")
        )
        await asyncio.gather(*greedy, modest)
        assert completed.index("modest") < len(paths) / 2, completed

    clients.run(scenario())


def test_readiness_check_does_not_wait_for_slow_reads(clients: Clients) -> None:
    async def scenario() -> None:
        await clients.database.check()
        slow = f"/works/{ENDLESS}"
        tasks = [
            asyncio.create_task(clients.get(slow, f"client {index}")) for index in range(GREEDY)
        ]
        await wait_until_started()
        await clients.database.check()
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (await clients.get("/works/1", "modest")).status_code == 200

    clients.run(scenario())


def test_client_with_too_many_waiting_reads_is_503_and_another_is_served(
    clients: Clients, sqlite_database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sqlite_database._reader is not None
    monkeypatch.setattr(sqlite_database._reader._slow._queue, "_waiting", 2)

    async def scenario() -> None:
        slow = f"/works/{SLOW}"
        await clients.get(slow, "greedy")  # From here on the statement is known to be slow.
        greedy = [asyncio.create_task(clients.get(slow, "greedy")) for _ in range(GREEDY)]
        await asyncio.sleep(0)
        modest = await clients.get(slow, "modest")
        assert modest.status_code == 200
        responses = await asyncio.gather(*greedy)
        rejected = [response for response in responses if response.status_code != 200]
        assert 0 < len(rejected) < GREEDY
        for response in rejected:
            assert_problem(
                response,
                503,
                "service-unavailable",
                "Too many requests are waiting for the database; try again later",
            )
            assert response.headers["retry-after"] == "1"

    clients.run(scenario())


def test_cancelled_slow_reads_release_all_threads(
    clients: Clients, sqlite_database: SqliteDatabase
) -> None:
    async def scenario() -> None:
        reader: Any = sqlite_database._reader
        tasks = [
            asyncio.create_task(clients.get(f"/works/{ENDLESS}", f"client {index}"))
            for index in range(GREEDY)
        ]
        async with asyncio.timeout(START_SECONDS):
            while reader._slow._queue.free + reader._first._queue.free == 6:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for queue in (reader._slow._queue, reader._first._queue):
            assert queue.waiters == 0
        assert reader._slow._queue.free == 4
        assert reader._first._queue.free == 2

    clients.run(scenario())
