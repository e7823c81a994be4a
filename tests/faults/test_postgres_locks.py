"""Locked tables, slow statements and crowds on PostgreSQL hold up nobody but themselves."""

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
from tests.faults.postgres import Base, Item, OneOf, Outside, assert_whole, insert, read
from tests.fixtures.in_process import postgres_with
from tests.fixtures.library import Api

T = TypeVar("T")


class Other(Base):
    __tablename__ = "others"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgres_with(Base.metadata, postgres_url) as url:
        yield url


@pytest.fixture(autouse=True)
def shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encore.database.postgresql.watchdog.TICK_S", 0.1)
    monkeypatch.setattr("encore.database.postgresql.watchdog.STARVING_S", 0.5)
    monkeypatch.setattr("encore.database.postgresql.pool.WAIT_S", 3.0)
    monkeypatch.setitem(SERVER_SETTINGS, "lock_timeout", "1200")


def as_client(client: int | OneOf, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Start work in the name of one of several clients."""
    context = copy_context()
    context.run(current_caller.set, OneOf(client) if isinstance(client, int) else client)
    return asyncio.get_running_loop().create_task(work, context=context)


def test_locked_table_refuses_its_own_requests_and_no_others_of_the_same_client(url: str) -> None:
    api = Api(url)
    api.crud.resource(Item)
    api.crud.resource(Other)

    async def run() -> None:
        await api.call("GET", "/items")  # The first request builds the application.
        async with Outside(url) as outside:
            async with outside.locked():
                locked = [
                    asyncio.create_task(api.call("POST", "/items", json={"id": n, "name": ""}))
                    for n in range(40)
                ]
                await outside.someone_waits()
                for number in range(10):
                    response = await api.call("POST", "/others", json={"id": number})
                    assert response.status_code == 201, response.text
                assert not all(task.done() for task in locked)
                for response in await asyncio.gather(*locked):
                    assert response.status_code == 503
                    assert response.headers["retry-after"]
            assert (await api.call("POST", "/items", json={"id": 1, "name": ""})).status_code == 201
            assert isinstance(api.database._inner, PostgresDatabase)
            await assert_whole(api.database._inner, outside)

    api.run(run())
    api.close()


def test_check_needs_no_connection_of_the_pool(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with Outside(url) as outside, outside.locked():
            crowd = [as_client(number, read(database, 0)) for number in range(3 * POOL_SIZE)]
            await outside.someone_waits()
            for _ in range(3):
                await database.check()
            assert not all(task.done() for task in crowd)
            for result in await asyncio.gather(*crowd, return_exceptions=True):
                assert isinstance(result, DatabaseUnavailable)
        await database.close()

    asyncio.run(run())


def test_one_client_leaves_connections_to_others(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        release = asyncio.Event()

        async def hold() -> None:
            async with database.reading():
                await release.wait()

        crowd = [as_client(1, hold()) for _ in range(2 * POOL_SIZE)]
        await asyncio.sleep(0)
        for _ in range(3):
            await as_client(2, read(database, 0))
        release.set()
        await asyncio.gather(*crowd)
        await database.close()

    asyncio.run(run())


def test_locked_table_delays_no_other_client(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        items, others = insert(database, 1), Statement(sa.select(Other.id), database.dialect)

        async def run_one(statement: Statement) -> None:
            async with database.writing(single=True) as connection:
                await connection.fetch_all(statement, ())

        async with Outside(url) as outside, outside.locked():
            crowd = [as_client(number % 5, run_one(items)) for number in range(40)]
            await outside.someone_waits()
            for _ in range(10):
                await as_client(100, run_one(others))
            assert not all(task.done() for task in crowd)
            for result in await asyncio.gather(*crowd, return_exceptions=True):
                assert isinstance(result, DatabaseUnavailable)
        await database.close()

    asyncio.run(run())


def test_slow_statements_that_starve_nobody_are_all_served(url: str) -> None:
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


def test_slow_read_ends_once_its_caller_has_left(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        sleep = sa.select(sa.cast(sa.func.pg_sleep(8), sa.Text))

        async def run_slowly(entered: Any) -> None:
            async with entered as connection:
                await connection.fetch_all(Statement(sleep, database.dialect), ())

        async with Outside(url) as outside:
            reader, writer = OneOf(1), OneOf(2)
            reading = as_client(reader, run_slowly(database.reading()))
            writing = as_client(writer, run_slowly(database.writing()))
            await asyncio.sleep(0.5)
            reader.leaving.set()
            writer.leaving.set()
            async with asyncio.timeout(5):
                with pytest.raises(CallerDisconnected):
                    await reading
            assert [state for _, state in await outside.backends()].count("active") == 1
            assert not writing.done()  # What has begun to write goes on to its commit.
            writing.cancel()
            await asyncio.wait({writing})
            await assert_whole(database, outside)
        await database.close()

    asyncio.run(run())


def test_statement_of_a_closed_connection_ends(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with Outside(url) as outside:
            connection = await database._pool.borrow()
            task = asyncio.create_task(connection.fetch("SELECT pg_sleep(8)"))
            await outside.someone_waits()
            connection.terminate()
            with pytest.raises(asyncpg.PostgresError):
                await task
            database._pool.give_back(connection)
            async with asyncio.timeout(7):
                await assert_whole(database, outside)
        await database.close()

    asyncio.run(run())
