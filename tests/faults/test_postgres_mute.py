"""PostgreSQL does not respond: a mute network, a stopped backend, or a lost response."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from encore.database.callers import current_caller
from encore.database.errors import CommitOutcomeUnknown, DatabaseError, DatabaseUnavailable
from encore.database.postgresql import PostgresDatabase
from encore.database.statement import Statement
from tests.faults.postgres import (
    READS,
    WRITES,
    Base,
    ExternalConnection,
    FakeCaller,
    assert_pool_intact,
    insert,
    read,
    write,
    write_in_bulk,
)
from tests.faults.proxy import Proxy
from tests.fixtures.in_process import postgres_with

IS_FULL = "FAULTS_FULL" in os.environ
"""Whether to use the service's limits; otherwise they are shortened."""

MAX_S = 10 if IS_FULL else 8


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgres_with(Base.metadata, postgres_url) as url:
        yield url


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    if not IS_FULL:
        monkeypatch.setattr("encore.database.postgresql.watchdog.TICK_S", 0.05)


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeouts of tests in which the network is mute."""
    if not IS_FULL:
        monkeypatch.setattr("encore.database.postgresql.sentinel.ANSWER_S", 0.2)
        monkeypatch.setattr("encore.database.postgresql.connection.CONNECT_TIMEOUT_S", 0.5)
        monkeypatch.setattr("encore.database.postgresql.pool.WAIT_S", 0.8)


@contextlib.asynccontextmanager
async def open_database(url: str) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def sleep_statement(database: PostgresDatabase, seconds: float) -> Statement:
    return Statement(sa.select(sa.cast(sa.func.pg_sleep(seconds), sa.Text)), database.dialect)


@pytest.mark.usefixtures("short_timeouts")
def test_mute_network_fails_all_work_and_serves_again_at_once(url: str) -> None:
    async def run() -> None:
        async with (
            ExternalConnection(url) as external,
            Proxy(url) as proxy,
            open_database(proxy.url) as database,
        ):

            async def run_all(first: int, times: int) -> list[BaseException | None]:
                """Run every read and write this many times, concurrently, for several clients."""
                tasks = []
                for index, work in enumerate([*READS, *WRITES] * times):
                    current_caller.set(FakeCaller(index % 4))
                    tasks.append(asyncio.create_task(_error_of(work(database, first + index))))
                return await asyncio.gather(*tasks)

            assert set(await run_all(0, 1)) == {None}
            proxy.mute()
            async with asyncio.timeout(MAX_S):
                errors = await run_all(100, 3)
            assert all(isinstance(error, DatabaseUnavailable) for error in errors), errors
            proxy.heal()
            assert set(await run_all(200, 1)) == {None}
            assert not await external.keys() & set(range(100, 200))
            assert len(await external.keys()) == 2 * len(WRITES)

    asyncio.run(run())


async def _error_of(work: Coroutine[Any, Any, None]) -> BaseException | None:
    try:
        await work
    except DatabaseError as error:
        return error
    return None


@pytest.mark.usefixtures("short_timeouts")
def test_mute_network_fails_an_upload_that_waits_for_a_statement(url: str) -> None:
    async def run() -> None:
        async with (
            ExternalConnection(url) as external,
            Proxy(url) as proxy,
            open_database(proxy.url) as database,
        ):
            async with external.lock_table():
                task = asyncio.create_task(write_in_bulk(database, 1))
                await external.wait_until_active()
                proxy.mute()
                async with asyncio.timeout(MAX_S):
                    with pytest.raises(DatabaseUnavailable):
                        await task
            proxy.heal()
            await write_in_bulk(database, 2)

    asyncio.run(run())


def test_slow_statement_of_an_upload_is_not_a_mute_network(url: str) -> None:
    async def run() -> None:
        async with open_database(url) as database, database.bulk() as bulk, bulk.transaction():
            rows = await bulk.fetch_all(sleep_statement(database, 12 if IS_FULL else 2.5), ())
            assert len(rows) == 1

    asyncio.run(run())


def test_stopped_backend_fails_its_statement_only(url: str) -> None:
    async def run() -> None:
        async with ExternalConnection(url) as external, open_database(url) as database:
            pid_of = Statement(sa.select(sa.func.pg_backend_pid()), database.dialect)
            async with database.reading() as connection:
                ((pid,),) = await connection.fetch_all(pid_of, ())
            os.kill(pid, signal.SIGSTOP)
            try:
                blocked = asyncio.create_task(read(database, 0))
                await asyncio.sleep(0)
                async with asyncio.timeout(MAX_S):
                    for key in range(10):
                        await write(database, key)
                    assert not blocked.done()
                    await database.check()
                    with pytest.raises(DatabaseUnavailable):
                        await blocked
            finally:
                os.kill(pid, signal.SIGCONT)
            await assert_pool_intact(database, external)

    asyncio.run(run())


@pytest.mark.usefixtures("short_timeouts")
def test_commit_without_response_has_an_unknown_outcome(url: str) -> None:
    async def run() -> None:
        async with (
            ExternalConnection(url) as external,
            Proxy(url) as proxy,
            open_database(proxy.url) as database,
        ):

            async def write_without_response(key: int, *, single: bool) -> None:
                async with database.writing(single=single) as connection:
                    if not single:
                        await connection.fetch_all(insert(database, key), ())
                    proxy.drops_responses = True
                    if single:
                        await connection.fetch_all(insert(database, key), ())

            for key, single in ((1, False), (2, True)):
                await write(database, 10 + key)
                async with database.writing(single=True) as connection:
                    await connection.fetch_all(insert(database, 20 + key), ())
                async with asyncio.timeout(MAX_S):
                    with pytest.raises(CommitOutcomeUnknown):
                        await write_without_response(key, single=single)
                proxy.drops_responses = False
                proxy.reset()
                assert key in await external.keys()  # Only the server knows.

    asyncio.run(run())


def test_response_delayed_by_a_busy_event_loop_is_not_a_mute_network(url: str) -> None:
    async def run() -> None:
        async with open_database(url) as database, database.reading() as connection:
            task = asyncio.create_task(connection.fetch_all(sleep_statement(database, 0.3), ()))
            await asyncio.sleep(0.1)
            time.sleep(2.5)  # noqa: ASYNC251 - blocks the loop for longer than any limit
            assert len(await task) == 1

    asyncio.run(run())


def test_connections_enable_tcp_keepalive(url: str) -> None:
    async def run() -> None:
        async with Proxy(url) as proxy, open_database(proxy.url) as database:
            connection = await database._pool.borrow()
            sock = connection._transport.get_extra_info("socket")
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 8_000
            seconds = [
                sock.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            ]
            assert seconds == [3, 2, 3]
            database._pool.give_back(connection)

    asyncio.run(run())


def test_reset_connections_lose_no_acknowledged_write(url: str) -> None:
    async def run() -> None:
        async with (
            ExternalConnection(url) as external,
            Proxy(url) as proxy,
            open_database(proxy.url) as database,
        ):
            written, rejected = set(), set()

            async def work(keys: range) -> None:
                for key in keys:
                    try:
                        await WRITES[key % len(WRITES)](database, key)
                        written.add(key)
                    except CommitOutcomeUnknown:
                        pass
                    except DatabaseError:
                        rejected.add(key)

            async def reset_often() -> None:
                for _ in range(10):
                    await asyncio.sleep(0.05)
                    proxy.reset()

            await asyncio.gather(
                reset_often(), *(work(range(n * 100, n * 100 + 40)) for n in range(8))
            )
            stored = await external.keys()
            assert written <= stored
            assert not rejected & stored
            await assert_pool_intact(database, external)

    asyncio.run(run())
