"""Another process holds SQLite's write lock: each request waits for a limited time."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from encore.database.errors import DatabaseUnavailable
from encore.database.sqlite import SqliteDatabase
from tests.faults.sqlite_requests import Request, RequestSender, create_file

WAIT_S = 1.0


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a database file; requests wait for its lock for ``WAIT_S`` at most."""
    monkeypatch.setattr("encore.database.sqlite.writer.BUSY_TIMEOUT_MS", WAIT_S * 1_000)
    path = tmp_path / "locked.sqlite"
    create_file(path)
    return path


@pytest.fixture
def lock_holder(path: Path) -> Iterator[sqlite3.Connection]:
    """Return another connection to the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_concurrent_requests_time_out_together_and_a_later_one_separately(
    path: Path, lock_holder: sqlite3.Connection
) -> None:
    completed: list[str] = []

    async def send(sender: RequestSender, name: str) -> None:
        await sender.send([Request([1])])
        completed.append(name)

    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        sender = RequestSender(database)
        lock_holder.execute("BEGIN IMMEDIATE")
        started = monotonic()
        first_tasks = [asyncio.create_task(send(sender, "early")) for _ in range(20)]
        await asyncio.sleep(WAIT_S / 2)
        later_task = asyncio.create_task(send(sender, "late"))
        await asyncio.wait(first_tasks)
        assert monotonic() - started < 5 * WAIT_S  # Not twenty times as long.
        assert completed == ["early"] * 20
        lock_holder.execute("ROLLBACK")
        await later_task
        assert list(sender.model.acknowledged) == [21]
        codes = {error.code for error in sender.model.errors if hasattr(error, "code")}
        assert codes == {"SQLITE_BUSY"}
        sender.model.verify(path)
        await database.close()

    asyncio.run(scenario())


def test_uploads_and_requests_behind_them_time_out_together(
    path: Path, lock_holder: sqlite3.Connection
) -> None:
    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        sender = RequestSender(database)
        lock_holder.execute("BEGIN IMMEDIATE")
        started = monotonic()
        await sender.send([*[Request([1], method="bulk")] * 3, *[Request([1])] * 5])
        assert monotonic() - started < 3 * WAIT_S  # Not eight times as long.
        assert len(sender.model.errors) == 8
        assert all(isinstance(error, DatabaseUnavailable) for error in sender.model.errors)
        lock_holder.execute("ROLLBACK")
        await sender.send([Request([1], method="bulk"), Request([1])])
        assert len(sender.model.acknowledged) == 2
        sender.model.verify(path)
        await database.close()

    asyncio.run(scenario())


def test_cancelled_request_in_the_queue_does_not_affect_others(
    path: Path, lock_holder: sqlite3.Connection
) -> None:
    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        sender = RequestSender(database)
        lock_holder.execute("BEGIN IMMEDIATE")
        batch = [Request([1], cancelled=None if n % 3 else 20) for n in range(9)]
        task = asyncio.create_task(sender.send(batch))
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(sender.model.unknown) == 3
        lock_holder.execute("ROLLBACK")
        await task
        assert len(sender.model.acknowledged) == 6
        sender.model.verify(path)
        await database.close()

    asyncio.run(scenario())
