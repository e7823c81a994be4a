"""The write-ahead log is truncated after a long reader or a large transaction."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Final

import pytest

from encore.database.sqlite import SqliteDatabase
from encore.database.sqlite.pragmas import LOG_SIZE_LIMIT
from tests.faults.sqlite_requests import Request, RequestSender, create_file

MEGABYTE: Final = 1_000_000
WRITTEN: Final = int(os.environ.get("WAL_MEGABYTES", "20"))
"""The amount written during the read, in MB."""

TIMEOUT_S: Final = 30


def log_size(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


async def wait_until_truncated(path: Path) -> float:
    """Wait until the log is within its limit; return the seconds that it took."""
    started = monotonic()
    while log_size(path) > LOG_SIZE_LIMIT:
        assert monotonic() - started < TIMEOUT_S
        await asyncio.sleep(0.05)
    return monotonic() - started


@pytest.mark.parametrize(
    ("method", "is_busy"), [("statements", False), ("bulk", True)], ids=["idle", "busy"]
)
def test_log_grown_by_a_long_reader_is_truncated_after_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, *, is_busy: bool
) -> None:
    monkeypatch.setattr("encore.database.sqlite.maintenance.PERIOD_S", 0.1)
    path = tmp_path / "long.sqlite"
    create_file(path)

    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        sender = RequestSender(database)
        await sender.send([Request([1])])
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM plain").fetchone()
            for _ in range(WRITTEN):
                await sender.send([Request([MEGABYTE], method=method)])
            assert log_size(path) > WRITTEN * MEGABYTE
            await asyncio.sleep(0.3)  # One run of the maintenance, which cannot truncate yet.
            assert reader.execute("SELECT count(*) FROM plain").fetchone() == (1,)
        truncation = asyncio.create_task(wait_until_truncated(path))
        while is_busy and not truncation.done():
            await sender.send([Request([100])] * 5)
        await truncation
        await sender.send([Request([1])] * 5)
        assert sender.model.errors == []
        await database.close()
        sender.model.verify(path)

    asyncio.run(scenario())
