"""Every connection comes back to the pool, clean, whatever happened to it and its borrower."""

import asyncio
import contextlib
import os
import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
import uvloop

from encore.database.callers import current_caller
from encore.database.errors import (
    CommitOutcomeUnknown,
    DatabaseError,
    DatabaseUnavailable,
    RolledBack,
    UniqueViolation,
)
from encore.database.postgresql import PostgresDatabase
from encore.database.postgresql.database import POOL_SIZE
from encore.database.postgresql.session import PostgresSession
from tests.faults.postgres import (
    READS,
    WRITES,
    Base,
    Item,
    OneOf,
    Outside,
    Work,
    assert_whole,
    insert,
    select_all,
    write,
    write_in_bulk,
    write_single,
)
from tests.faults.suspension import Countdown
from tests.fixtures.in_process import postgres_with
from tests.fixtures.library import Api

SECONDS = float(os.environ.get("POOL_SECONDS", "1.5"))
"""How long the random sequence goes on; more of them by hand."""


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgres_with(Base.metadata, postgres_url) as url:
        yield url


class Undone(Exception):
    """Has a transaction undone."""


async def outcome_of(work: Work, database: PostgresDatabase, key: int) -> str:
    """Return what the caller of a write is told: written, refused, or nothing certain."""
    try:
        await work(database, key)
    except (CommitOutcomeUnknown, asyncio.CancelledError):
        return "unknown"
    except DatabaseError:
        return "refused"
    return "written"


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
@pytest.mark.parametrize("work", [*READS, *WRITES], ids=lambda work: work.__name__)
def test_work_cancelled_at_any_await_leaves_the_pool_whole(
    url: str,
    work: Work,
    late: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with Outside(url) as outside:
            for number in range(200):
                countdown = Countdown(number, late=late)
                told = await asyncio.create_task(
                    outcome_of(lambda d, k, c=countdown: c.run(work(d, k)), database, number)  # type: ignore[misc]
                )
                if not countdown.met:
                    assert told == "written"
                    break
                assert told in ("unknown", "written")
                if number % 5 == 0:
                    await assert_whole(database, outside)
            else:
                pytest.fail("the work never ended by itself")
            await assert_whole(database, outside)
            keys = await outside.keys()
            assert (number in keys) == (work in WRITES)
        await database.close()

    asyncio.run(run())


@pytest.mark.parametrize("work", WRITES, ids=lambda work: work.__name__)
def test_connection_killed_during_a_write_frees_its_slot(url: str, work: Work) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with Outside(url) as outside:
            for key in range(POOL_SIZE + 2):
                async with outside.locked():  # The write waits, and is killed.
                    task = asyncio.create_task(outcome_of(work, database, key))
                    await outside.someone_waits()
                    await outside.kill()
                    told = await task
                assert told == ("unknown" if work is write_single else "refused")
            await assert_whole(database, outside)
            assert await outside.keys() == set()
        await database.close()

    asyncio.run(run())


def test_commit_on_a_killed_connection_is_acknowledged_only_if_it_was_made(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with Outside(url) as outside:

            async def killed_before_commit(database: PostgresDatabase, key: int) -> None:
                async with database.writing() as connection:
                    await connection.fetch_all(insert(database, key), ())
                    await outside.kill()

            told = [
                await outcome_of(killed_before_commit, database, key)
                for key in range(POOL_SIZE + 2)
            ]
            await assert_whole(database, outside)
            keys = await outside.keys()  # A COMMIT may be faster than the signal.
            assert all(key in keys for key, result in enumerate(told) if result == "written")
            assert not any(key in keys for key, result in enumerate(told) if result == "refused")
            await write(database, 100)
        await database.close()

    asyncio.run(run())


def test_commit_after_a_failure_that_was_ignored_is_not_acknowledged(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        await write_single(database, 1)

        async def careless(database: PostgresDatabase) -> None:
            async with database.writing() as connection:
                await connection.fetch_all(insert(database, 2), ())
                with contextlib.suppress(UniqueViolation):
                    await connection.fetch_all(insert(database, 1), ())

        with pytest.raises(RolledBack):
            await careless(database)
        async with Outside(url) as outside:
            assert await outside.keys() == {1}
            await assert_whole(database, outside)
        await database.close()

    asyncio.run(run())


def test_upload_that_fails_keeps_its_connection_but_not_its_table(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with Outside(url) as outside:
            await write_in_bulk(database, 1)
            before = {pid for pid, _ in await outside.backends()}
            for _ in range(3):
                with pytest.raises(DatabaseError):
                    await write_in_bulk(database, 1)
            await write_in_bulk(database, 2)
            assert {pid for pid, _ in await outside.backends()} == before
            await assert_whole(database, outside)
        await database.close()

    asyncio.run(run())


def test_tables_changed_while_serving_cost_one_transaction_and_no_read(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        everything = select_all(database)

        async def fails(session: PostgresSession) -> bool:
            try:
                await session.fetch_all(everything, ())
            except DatabaseUnavailable:
                return True
            return False

        async with Outside(url) as outside:
            await assert_whole(database, outside)
            for kind in (
                "varchar(50)",
                "text",
            ):  # Each prepared statement returns another type now.
                sessions = [database.writing() for _ in range(POOL_SIZE)]
                for number, session in enumerate(sessions):
                    current_caller.set(OneOf(number))
                    await session.__aenter__()
                await outside.run(f"ALTER TABLE items ALTER COLUMN name TYPE {kind}")
                assert [await fails(session) for session in sessions].count(True) <= 1
                for session in sessions:
                    await session.__aexit__(Undone, Undone(), None)
                await assert_whole(database, outside)
        await database.close()

    asyncio.run(run())


def test_random_kills_and_cancellations_lose_no_connection_and_no_write(url: str) -> None:
    chance = random.Random(10)

    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        told: dict[int, str] = {}
        loop = asyncio.get_running_loop()
        end = loop.time() + SECONDS
        keys = iter(range(1_000_000))

        async def borrow_often() -> None:
            while loop.time() < end:
                key = next(keys)
                work = chance.choice([*READS, *WRITES])
                task = asyncio.create_task(outcome_of(work, database, key))
                if chance.random() < 0.3:
                    loop.call_later(chance.random() * 0.02, task.cancel)
                try:
                    result = await task
                except asyncio.CancelledError:  # Before it had begun.
                    result = "refused"
                if work in WRITES:
                    told[key] = result

        async def kill_often(outside: Outside) -> None:
            while loop.time() < end:
                await asyncio.sleep(chance.random() * 0.1)
                backends = await outside.backends()
                if backends:
                    pid, _ = chance.choice(backends)
                    await outside.run("SELECT pg_terminate_backend($1)", pid)

        async with Outside(url) as outside:
            await asyncio.gather(kill_often(outside), *(borrow_often() for _ in range(16)))
            await assert_whole(database, outside)
            stored = await outside.keys()
        await database.close()
        assert {key for key, result in told.items() if result == "written"} <= stored
        assert not {key for key, result in told.items() if result == "refused"} & stored
        assert "written" in told.values()

    asyncio.run(run())


def test_outcome_that_nobody_knows_is_said_to_be_unknown(url: str) -> None:
    api = Api(url)
    api.crud.resource(Item)

    async def run() -> None:
        async with Outside(url) as outside:
            async with outside.locked():
                task = asyncio.create_task(api.call("POST", "/items", json={"id": 1, "name": "x"}))
                await outside.someone_waits()
                await outside.kill()
                response = await task
            assert response.status_code == 503
            assert response.json()["type"] == "urn:problem-type:outcome-unknown"
            assert "not known whether" in response.json()["detail"]
            assert "retry-after" not in response.headers

    api.run(run())
    api.close()


def test_hook_cut_off_while_the_transaction_begins_leaves_none_open(url: str) -> None:
    api = Api(url)
    items = api.crud.resource(Item, hook_seconds=0.05)

    @items.create.write.before
    async def wait_long(context: object) -> None:
        await context.orm(lambda session: session.execute(sa.text("SELECT pg_sleep(0.5)")))  # type: ignore[attr-defined]

    async def run() -> None:
        async with Outside(url) as outside:
            for key in range(POOL_SIZE + 2):
                response = await api.call("POST", "/items", json={"id": key, "name": "x"})
                assert response.status_code == 503
            inner = api.database._inner
            assert isinstance(inner, PostgresDatabase)
            await assert_whole(inner, outside)
            assert await outside.keys() == set()

    api.run(run())
    api.close()


def test_copy_whose_connection_is_lost_is_passing_trouble_on_the_servers_event_loop_too(
    url: str,
) -> None:
    stage = sa.Table("stage", sa.MetaData(), sa.Column("id", sa.Integer), prefixes=["TEMPORARY"])

    async def kill() -> None:
        async with Outside(url) as outside:
            await outside.kill()

    def batches() -> Iterator[list[tuple[int]]]:
        yield [(1,)]
        asyncio.run(kill())  # In the thread that makes the rows.
        while True:  # More than there is room for, in the buffers in between.
            yield [(1,)] * 10_000

    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with Outside(url) as outside, asyncio.timeout(60):
            for _ in range(5):
                with pytest.raises(DatabaseUnavailable):
                    async with database.bulk() as bulk, bulk.temporary(stage):
                        await bulk.load(stage, batches())
            await assert_whole(database, outside)
        await database.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
