"""Every connection is returned to the pool without an open transaction, under all faults."""

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
    ExternalConnection,
    FakeCaller,
    Item,
    Work,
    assert_pool_intact,
    insert,
    select_all,
    write,
    write_in_bulk,
    write_single,
)
from tests.faults.suspension import CancelAt
from tests.fixtures.in_process import postgres_with
from tests.fixtures.library import Api

SECONDS = float(os.environ.get("POOL_SECONDS", "1.5"))
"""The duration of the random sequence."""


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgres_with(Base.metadata, postgres_url) as url:
        yield url


class RollBack(Exception):
    """Makes a transaction roll back."""


async def outcome_of(work: Work, database: PostgresDatabase, id_: int) -> str:
    """Run the work; return its outcome: ``written``, ``rejected`` or ``unknown``."""
    try:
        await work(database, id_)
    except (CommitOutcomeUnknown, asyncio.CancelledError):
        return "unknown"
    except DatabaseError:
        return "rejected"
    return "written"


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
@pytest.mark.parametrize("work", [*READS, *WRITES], ids=lambda work: work.__name__)
def test_cancellation_at_any_await_leaves_the_pool_intact(
    url: str,
    work: Work,
    late: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with ExternalConnection(url) as external:
            for index in range(200):
                cancellation = CancelAt(index, late=late)
                outcome = await asyncio.create_task(
                    outcome_of(lambda d, k, c=cancellation: c.run(work(d, k)), database, index)  # type: ignore[misc] # a lambda with a default
                )
                if not cancellation.reached:
                    assert outcome == "written"
                    break
                assert outcome in ("unknown", "written")
                if index % 5 == 0:
                    await assert_pool_intact(database, external)
            else:
                pytest.fail("the work was cancelled each time")
            await assert_pool_intact(database, external)
            keys = await external.keys()
            assert (index in keys) == (work in WRITES)
        await database.close()

    asyncio.run(run())


@pytest.mark.parametrize("work", WRITES, ids=lambda work: work.__name__)
def test_connection_terminated_during_a_write_frees_its_slot(url: str, work: Work) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with ExternalConnection(url) as external:
            for id_ in range(POOL_SIZE + 2):
                async with external.lock_table():  # The write waits, and its backend is terminated.
                    task = asyncio.create_task(outcome_of(work, database, id_))
                    await external.wait_until_active()
                    await external.terminate_backends()
                    outcome = await task
                assert outcome == ("unknown" if work is write_single else "rejected")
            await assert_pool_intact(database, external)
            assert await external.keys() == set()
        await database.close()

    asyncio.run(run())


def test_commit_on_a_terminated_connection_is_acknowledged_only_if_stored(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with ExternalConnection(url) as external:

            async def terminate_before_commit(database: PostgresDatabase, id_: int) -> None:
                async with database.writing() as connection:
                    await connection.fetch_all(insert(database, id_), ())
                    await external.terminate_backends()

            outcomes = [
                await outcome_of(terminate_before_commit, database, id_)
                for id_ in range(POOL_SIZE + 2)
            ]
            await assert_pool_intact(database, external)
            keys = await external.keys()  # A COMMIT may be faster than the signal.
            assert all(id_ in keys for id_, result in enumerate(outcomes) if result == "written")
            assert not any(
                id_ in keys for id_, result in enumerate(outcomes) if result == "rejected"
            )
            await write(database, 100)
        await database.close()

    asyncio.run(run())


def test_commit_after_an_ignored_error_raises_rolled_back(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        await write_single(database, 1)

        async def ignore_error(database: PostgresDatabase) -> None:
            async with database.writing() as connection:
                await connection.fetch_all(insert(database, 2), ())
                with contextlib.suppress(UniqueViolation):
                    await connection.fetch_all(insert(database, 1), ())

        with pytest.raises(RolledBack):
            await ignore_error(database)
        async with ExternalConnection(url) as external:
            assert await external.keys() == {1}
            await assert_pool_intact(database, external)
        await database.close()

    asyncio.run(run())


def test_failed_upload_keeps_its_connection_and_drops_its_table(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with ExternalConnection(url) as external:
            await write_in_bulk(database, 1)
            before = {pid for pid, _ in await external.backends()}
            for _ in range(3):
                with pytest.raises(DatabaseError):
                    await write_in_bulk(database, 1)
            await write_in_bulk(database, 2)
            assert {pid for pid, _ in await external.backends()} == before
            await assert_pool_intact(database, external)
        await database.close()

    asyncio.run(run())


def test_table_changed_while_serving_rejects_at_most_one_transaction(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        statement = select_all(database)

        async def is_rejected(session: PostgresSession) -> bool:
            try:
                await session.fetch_all(statement, ())
            except DatabaseUnavailable:
                return True
            return False

        async with ExternalConnection(url) as external:
            await assert_pool_intact(database, external)
            for type_ in (
                "varchar(50)",
                "text",
            ):  # Each prepared statement now returns another type.
                sessions = [database.writing() for _ in range(POOL_SIZE)]
                for index, session in enumerate(sessions):
                    current_caller.set(FakeCaller(index))
                    await session.__aenter__()
                await external.run(f"ALTER TABLE items ALTER COLUMN name TYPE {type_}")
                assert [await is_rejected(session) for session in sessions].count(True) <= 1
                for session in sessions:
                    await session.__aexit__(RollBack, RollBack(), None)
                await assert_pool_intact(database, external)
        await database.close()

    asyncio.run(run())


def test_random_terminations_and_cancellations_lose_no_connection_or_write(url: str) -> None:
    rng = random.Random(10)

    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        outcomes: dict[int, str] = {}
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SECONDS
        keys = iter(range(1_000_000))

        async def run_often() -> None:
            while loop.time() < deadline:
                id_ = next(keys)
                work = rng.choice([*READS, *WRITES])
                task = asyncio.create_task(outcome_of(work, database, id_))
                if rng.random() < 0.3:
                    loop.call_later(rng.random() * 0.02, task.cancel)
                try:
                    result = await task
                except asyncio.CancelledError:  # Cancelled before it started.
                    result = "rejected"
                if work in WRITES:
                    outcomes[id_] = result

        async def kill_often(external: ExternalConnection) -> None:
            while loop.time() < deadline:
                await asyncio.sleep(rng.random() * 0.1)
                backends = await external.backends()
                if backends:
                    pid, _ = rng.choice(backends)
                    await external.run("SELECT pg_terminate_backend($1)", pid)

        async with ExternalConnection(url) as external:
            await asyncio.gather(kill_often(external), *(run_often() for _ in range(16)))
            await assert_pool_intact(database, external)
            stored = await external.keys()
        await database.close()
        assert {id_ for id_, result in outcomes.items() if result == "written"} <= stored
        assert not {id_ for id_, result in outcomes.items() if result == "rejected"} & stored
        assert "written" in outcomes.values()

    asyncio.run(run())


def test_unknown_outcome_of_a_commit_is_503_outcome_unknown(url: str) -> None:
    api = Api(url)
    api.crud.resource(Item)

    async def run() -> None:
        async with ExternalConnection(url) as external:
            async with external.lock_table():
                task = asyncio.create_task(api.call("POST", "/items", json={"id": 1, "name": "x"}))
                await external.wait_until_active()
                await external.terminate_backends()
                response = await task
            assert response.status_code == 503
            assert response.json()["type"] == "urn:problem-type:outcome-unknown"
            assert "not known whether" in response.json()["detail"]
            assert "retry-after" not in response.headers

    api.run(run())
    api.close()


def test_hook_timeout_at_the_beginning_leaves_no_transaction_open(url: str) -> None:
    api = Api(url)
    items = api.crud.resource(Item, hook_seconds=0.05)

    @items.create.write.before
    async def wait_long(context: object) -> None:
        await context.orm(lambda session: session.execute(sa.text("SELECT pg_sleep(0.5)")))  # type: ignore[attr-defined] # a Context

    async def run() -> None:
        async with ExternalConnection(url) as external:
            for id_ in range(POOL_SIZE + 2):
                response = await api.call("POST", "/items", json={"id": id_, "name": "x"})
                assert response.status_code == 503
            inner = api.database._inner
            assert isinstance(inner, PostgresDatabase)
            await assert_pool_intact(inner, external)
            assert await external.keys() == set()

    api.run(run())
    api.close()


def test_lost_connection_during_copy_is_unavailable_on_uvloop(
    url: str,
) -> None:
    stage = sa.Table("stage", sa.MetaData(), sa.Column("id", sa.Integer), prefixes=["TEMPORARY"])

    async def terminate_backends() -> None:
        async with ExternalConnection(url) as external:
            await external.terminate_backends()

    def batches() -> Iterator[list[tuple[int]]]:
        yield [(1,)]
        asyncio.run(terminate_backends())  # In the thread that produces the rows.
        while True:  # More than the buffers hold.
            yield [(1,)] * 10_000

    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        async with ExternalConnection(url) as external, asyncio.timeout(60):
            for _ in range(5):
                with pytest.raises(DatabaseUnavailable):
                    async with database.bulk() as bulk, bulk.temporary(stage):
                        await bulk.load(stage, batches())
            await assert_pool_intact(database, external)
        await database.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
