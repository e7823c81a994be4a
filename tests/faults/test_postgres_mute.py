"""PostgreSQL falls silent: the network between, one backend, or one answer."""

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
    OneOf,
    Outside,
    assert_whole,
    insert,
    read,
    write,
    write_in_bulk,
)
from tests.faults.proxy import Proxy
from tests.fixtures.in_process import postgres_with

IS_FULL = "FAULTS_FULL" in os.environ
"""With the service's own limits; else all of them are shortened."""

AT_MOST_S = 10 if IS_FULL else 8


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgres_with(Base.metadata, postgres_url) as url:
        yield url


@pytest.fixture(autouse=True)
def shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    if not IS_FULL:
        monkeypatch.setattr("encore.database.postgresql.watchdog.TICK_S", 0.05)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the network is mute: no answer is waited for that could come late."""
    if not IS_FULL:
        monkeypatch.setattr("encore.database.postgresql.sentinel.ANSWER_S", 0.2)
        monkeypatch.setattr("encore.database.postgresql.connection.CONNECT_TIMEOUT_S", 0.5)
        monkeypatch.setattr("encore.database.postgresql.pool.WAIT_S", 0.8)


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def sleeping(database: PostgresDatabase, seconds: float) -> Statement:
    return Statement(sa.select(sa.cast(sa.func.pg_sleep(seconds), sa.Text)), database.dialect)


@pytest.mark.usefixtures("impatient")
def test_mute_network_ends_all_work_and_serves_again_at_once(url: str) -> None:
    async def run() -> None:
        async with Outside(url) as outside, Proxy(url) as proxy, opened(proxy.url) as database:

            async def each(first: int, times: int) -> list[BaseException | None]:
                """Do work of each kind so many times, at once, in the name of several clients."""
                crowd = []
                for number, work in enumerate([*READS, *WRITES] * times):
                    current_caller.set(OneOf(number % 4))
                    crowd.append(asyncio.create_task(_finish(work(database, first + number))))
                return await asyncio.gather(*crowd)

            assert set(await each(0, 1)) == {None}
            proxy.mute()
            async with asyncio.timeout(AT_MOST_S):
                failures = await each(100, 3)
            assert all(isinstance(failure, DatabaseUnavailable) for failure in failures), failures
            proxy.heal()
            assert set(await each(200, 1)) == {None}
            assert not await outside.keys() & set(range(100, 200))
            assert len(await outside.keys()) == 2 * len(WRITES)

    asyncio.run(run())


async def _finish(work: Coroutine[Any, Any, None]) -> BaseException | None:
    try:
        await work
    except DatabaseError as error:
        return error
    return None


@pytest.mark.usefixtures("impatient")
def test_mute_network_ends_an_upload_that_waits_for_a_statement(url: str) -> None:
    async def run() -> None:
        async with Outside(url) as outside, Proxy(url) as proxy, opened(proxy.url) as database:
            async with outside.locked():
                task = asyncio.create_task(write_in_bulk(database, 1))
                await outside.someone_waits()
                proxy.mute()
                async with asyncio.timeout(AT_MOST_S):
                    with pytest.raises(DatabaseUnavailable):
                        await task
            proxy.heal()
            await write_in_bulk(database, 2)

    asyncio.run(run())


def test_slow_statement_of_an_upload_is_not_taken_for_silence(url: str) -> None:
    async def run() -> None:
        async with opened(url) as database, database.bulk() as bulk, bulk.transaction():
            rows = await bulk.fetch_all(sleeping(database, 12 if IS_FULL else 2.5), ())
            assert len(rows) == 1

    asyncio.run(run())


def test_stopped_backend_ends_its_own_statement_only(url: str) -> None:
    async def run() -> None:
        async with Outside(url) as outside, opened(url) as database:
            pid_of = Statement(sa.select(sa.func.pg_backend_pid()), database.dialect)
            async with database.reading() as connection:
                ((pid,),) = await connection.fetch_all(pid_of, ())
            os.kill(pid, signal.SIGSTOP)
            try:
                stuck = asyncio.create_task(read(database, 0))
                await asyncio.sleep(0)
                async with asyncio.timeout(AT_MOST_S):
                    for key in range(10):
                        await write(database, key)
                    assert not stuck.done()
                    await database.check()
                    with pytest.raises(DatabaseUnavailable):
                        await stuck
            finally:
                os.kill(pid, signal.SIGCONT)
            await assert_whole(database, outside)

    asyncio.run(run())


@pytest.mark.usefixtures("impatient")
def test_commit_whose_answer_is_lost_has_an_unknown_outcome(url: str) -> None:
    async def run() -> None:
        async with Outside(url) as outside, Proxy(url) as proxy, opened(proxy.url) as database:

            async def deafened(key: int, *, single: bool) -> None:
                async with database.writing(single=single) as connection:
                    if not single:
                        await connection.fetch_all(insert(database, key), ())
                    proxy.is_deaf = True
                    if single:
                        await connection.fetch_all(insert(database, key), ())

            for key, single in ((1, False), (2, True)):
                await write(database, 10 + key)
                async with database.writing(single=True) as connection:
                    await connection.fetch_all(insert(database, 20 + key), ())
                async with asyncio.timeout(AT_MOST_S):
                    with pytest.raises(CommitOutcomeUnknown):
                        await deafened(key, single=single)
                proxy.is_deaf = False
                proxy.reset()
                assert key in await outside.keys()  # Known to the server alone.

    asyncio.run(run())


def test_answer_that_waits_for_a_busy_event_loop_is_not_taken_for_silence(url: str) -> None:
    async def run() -> None:
        async with opened(url) as database, database.reading() as connection:
            task = asyncio.create_task(connection.fetch_all(sleeping(database, 0.3), ()))
            await asyncio.sleep(0.1)
            time.sleep(2.5)  # noqa: ASYNC251 - the loop stands still for longer than any limit
            assert len(await task) == 1

    asyncio.run(run())


def test_connections_have_the_kernel_look_for_lost_peers(url: str) -> None:
    async def run() -> None:
        async with Proxy(url) as proxy, opened(proxy.url) as database:
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


def test_network_that_resets_connections_loses_no_acknowledged_write(url: str) -> None:
    async def run() -> None:
        async with Outside(url) as outside, Proxy(url) as proxy, opened(proxy.url) as database:
            written, refused = set(), set()

            async def work(keys: range) -> None:
                for key in keys:
                    try:
                        await WRITES[key % len(WRITES)](database, key)
                        written.add(key)
                    except CommitOutcomeUnknown:
                        pass
                    except DatabaseError:
                        refused.add(key)

            async def cut() -> None:
                for _ in range(10):
                    await asyncio.sleep(0.05)
                    proxy.reset()

            await asyncio.gather(cut(), *(work(range(n * 100, n * 100 + 40)) for n in range(8)))
            stored = await outside.keys()
            assert written <= stored
            assert not refused & stored
            await assert_whole(database, outside)

    asyncio.run(run())
