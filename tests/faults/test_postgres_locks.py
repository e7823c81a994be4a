"""Locked tables, slow statements and many requests on PostgreSQL delay only themselves."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextvars import copy_context
from typing import Any, TypeVar

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from encore.database.callers import current_caller
from encore.database.errors import CallerDisconnected, DatabaseUnavailable
from encore.database.postgresql import PostgresDatabase
from encore.database.postgresql.connection import SERVER_SETTINGS
from encore.database.postgresql.database import POOL_SIZE
from encore.database.statement import Statement
from tests.faults.postgres import (
    Base,
    ExternalConnection,
    FakeCaller,
    Item,
    assert_pool_intact,
    insert,
    read,
)
from tests.fixtures.in_process import postgres_with
from tests.fixtures.library import Api

T = TypeVar("T")


class OtherItem(Base):
    __tablename__ = "others"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgres_with(Base.metadata, postgres_url) as url:
        yield url


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encore.database.postgresql.watchdog.TICK_S", 0.1)
    monkeypatch.setattr("encore.database.postgresql.watchdog.STARVING_S", 0.5)
    monkeypatch.setattr("encore.database.postgresql.pool.WAIT_S", 3.0)
    monkeypatch.setitem(SERVER_SETTINGS, "lock_timeout", "1200")


def start_as_client(
    client: int | FakeCaller, coroutine: Coroutine[Any, Any, T]
) -> "asyncio.Task[T]":
    """Start a coroutine as a task of one of several clients."""
    context = copy_context()
    context.run(current_caller.set, FakeCaller(client) if isinstance(client, int) else client)
    return asyncio.get_running_loop().create_task(coroutine, context=context)


def test_locked_table_rejects_only_requests_that_use_it(url: str) -> None:
    api = Api(url)
    api.crud.resource(Item)
    api.crud.resource(OtherItem)

    async def run() -> None:
        await api.call("GET", "/items")  # The first request builds the application.
        async with ExternalConnection(url) as external:
            async with external.lock_table():
                waiting = [
                    asyncio.create_task(api.call("POST", "/items", json={"id": n, "name": ""}))
                    for n in range(40)
                ]
                await external.wait_until_active()
                for number in range(10):
                    response = await api.call("POST", "/others", json={"id": number})
                    assert response.status_code == 201, response.text
                assert not all(task.done() for task in waiting)
                for response in await asyncio.gather(*waiting):
                    assert response.status_code == 503
                    assert response.headers["retry-after"]
            assert (await api.call("POST", "/items", json={"id": 1, "name": ""})).status_code == 201
            assert isinstance(api.database._inner, PostgresDatabase)
            await assert_pool_intact(api.database._inner, external)

    api.run(run())
    api.close()


def test_check_uses_no_connection_of_the_pool(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with ExternalConnection(url) as external, external.lock_table():
            tasks = [start_as_client(number, read(database, 0)) for number in range(3 * POOL_SIZE)]
            await external.wait_until_active()
            for _ in range(3):
                await database.check()
            assert not all(task.done() for task in tasks)
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, DatabaseUnavailable)
        await database.close()

    asyncio.run(run())


def test_one_client_cannot_take_all_connections(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        release = asyncio.Event()

        async def hold() -> None:
            async with database.reading():
                await release.wait()

        tasks = [start_as_client(1, hold()) for _ in range(2 * POOL_SIZE)]
        await asyncio.sleep(0)
        for _ in range(3):
            await start_as_client(2, read(database, 0))
        release.set()
        await asyncio.gather(*tasks)
        await database.close()

    asyncio.run(run())


def test_locked_table_does_not_delay_other_clients(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        items, other = insert(database, 1), Statement(sa.select(OtherItem.id), database.dialect)

        async def run_one(statement: Statement) -> None:
            async with database.writing(single=True) as connection:
                await connection.fetch_all(statement, ())

        async with ExternalConnection(url) as external, external.lock_table():
            tasks = [start_as_client(number % 5, run_one(items)) for number in range(40)]
            await external.wait_until_active()
            for _ in range(10):
                await start_as_client(100, run_one(other))
            assert not all(task.done() for task in tasks)
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, DatabaseUnavailable)
        await database.close()

    asyncio.run(run())


def test_slow_statements_without_waiters_are_all_served(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        seconds = sa.func.pg_sleep(0.3)
        slow = Statement(sa.select(sa.cast(seconds, sa.Text)), database.dialect)

        async def run_slowly() -> int:
            async with database.reading() as connection:
                return len(await connection.fetch_all(slow, ()))

        for _ in range(2):
            served = await asyncio.gather(*(run_slowly() for _ in range(POOL_SIZE)))
            assert served == [1] * POOL_SIZE
        await database.close()

    asyncio.run(run())


def test_slow_read_ends_after_its_caller_has_disconnected(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        sleep = sa.select(sa.cast(sa.func.pg_sleep(8), sa.Text))

        async def run_slowly(entered: Any) -> None:
            async with entered as connection:
                await connection.fetch_all(Statement(sleep, database.dialect), ())

        async with ExternalConnection(url) as external:
            reader, writer = FakeCaller(1), FakeCaller(2)
            reading = start_as_client(reader, run_slowly(database.reading()))
            writing = start_as_client(writer, run_slowly(database.writing()))
            await asyncio.sleep(0.5)
            reader.disconnected.set()
            writer.disconnected.set()
            async with asyncio.timeout(5):
                with pytest.raises(CallerDisconnected):
                    await reading
            await external.wait_until_number_active(1)
            assert not writing.done()  # A write that has begun continues to its commit.
            writing.cancel()
            await asyncio.wait({writing})
            await assert_pool_intact(database, external)
        await database.close()

    asyncio.run(run())


def test_statement_of_a_terminated_connection_ends(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with ExternalConnection(url) as external:
            connection = await database._pool.borrow()
            task = asyncio.create_task(connection.fetch("SELECT pg_sleep(8)"))
            await external.wait_until_active()
            connection.terminate()
            with pytest.raises(asyncpg.PostgresError):
                await task
            database._pool.give_back(connection)
            async with asyncio.timeout(7):
                await assert_pool_intact(database, external)
        await database.close()

    asyncio.run(run())
