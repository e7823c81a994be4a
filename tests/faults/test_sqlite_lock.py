"""Another process keeps SQLite's write lock: each request waits for a limited time, once."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from encore.database.errors import DatabaseUnavailable
from encore.database.sqlite import SqliteDatabase
from tests.faults.sqlite_requests import Request, Requests, create

WAIT_S = 1.0


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose lock is waited for no longer than ``WAIT_S``."""
    monkeypatch.setattr("encore.database.sqlite.writer.BUSY_TIMEOUT_MS", WAIT_S * 1_000)
    path = tmp_path / "locked.sqlite"
    create(path)
    return path


@pytest.fixture
def holder(path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection to the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_requests_that_come_together_give_up_together_and_a_later_one_has_its_own_time(
    path: Path, holder: sqlite3.Connection
) -> None:
    ended: list[str] = []

    async def send(requests: Requests, name: str) -> None:
        await requests.send([Request([1])])
        ended.append(name)

    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        requests = Requests(database)
        holder.execute("BEGIN IMMEDIATE")
        begun = monotonic()
        early = [asyncio.create_task(send(requests, "early")) for _ in range(20)]
        await asyncio.sleep(WAIT_S / 2)
        late = asyncio.create_task(send(requests, "late"))
        await asyncio.wait(early)
        assert monotonic() - begun < 5 * WAIT_S  # Rather than twenty times as long.
        assert ended == ["early"] * 20
        holder.execute("ROLLBACK")
        await late
        assert list(requests.model.acknowledged) == [21]
        codes = {error.code for error in requests.model.errors if hasattr(error, "code")}
        assert codes == {"SQLITE_BUSY"}
        requests.model.verify(path)
        await database.close()

    asyncio.run(scenario())


def test_uploads_and_requests_behind_them_give_up_too(
    path: Path, holder: sqlite3.Connection
) -> None:
    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        requests = Requests(database)
        holder.execute("BEGIN IMMEDIATE")
        begun = monotonic()
        await requests.send([*[Request([1], by="bulk")] * 3, *[Request([1])] * 5])
        assert monotonic() - begun < 3 * WAIT_S  # Rather than eight times as long.
        assert len(requests.model.errors) == 8
        assert all(isinstance(error, DatabaseUnavailable) for error in requests.model.errors)
        holder.execute("ROLLBACK")
        await requests.send([Request([1], by="bulk"), Request([1])])
        assert len(requests.model.acknowledged) == 2
        requests.model.verify(path)
        await database.close()

    asyncio.run(scenario())


def test_request_that_is_cancelled_in_the_queue_leaves_the_others_in_their_order(
    path: Path, holder: sqlite3.Connection
) -> None:
    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        requests = Requests(database)
        holder.execute("BEGIN IMMEDIATE")
        sent = [Request([1], cancelled=None if n % 3 else 20) for n in range(9)]
        waiting = asyncio.create_task(requests.send(sent))
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(requests.model.unknown) == 3
        holder.execute("ROLLBACK")
        await waiting
        assert len(requests.model.acknowledged) == 6
        requests.model.verify(path)
        await database.close()

    asyncio.run(scenario())
