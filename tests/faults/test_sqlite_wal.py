"""The write-ahead log after a long reader or a large transaction: cut as soon as it may be."""

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
from tests.faults.sqlite_requests import Request, Requests, create

MEGABYTE: Final = 1_000_000
WRITTEN: Final = int(os.environ.get("WAL_MEGABYTES", "20"))
"""How much is written while the reader reads, in MB."""

PATIENCE_S: Final = 30


def log_size(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


async def wait_until_cut(path: Path) -> float:
    """Wait until the log is within its limit; give how long that took, in seconds."""
    begun = monotonic()
    while log_size(path) > LOG_SIZE_LIMIT:
        assert monotonic() - begun < PATIENCE_S
        await asyncio.sleep(0.05)
    return monotonic() - begun


@pytest.mark.parametrize(
    ("by", "busy"), [("statements", False), ("bulk", True)], ids=["idle", "busy"]
)
def test_log_that_a_long_reader_has_kept_is_cut_after_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str, *, busy: bool
) -> None:
    monkeypatch.setattr("encore.database.sqlite.maintenance.PERIOD_S", 0.1)
    path = tmp_path / "long.sqlite"
    create(path)

    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        requests = Requests(database)
        await requests.send([Request([1])])
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM plain").fetchone()
            for _ in range(WRITTEN):
                await requests.send([Request([MEGABYTE], by=by)])
            assert log_size(path) > WRITTEN * MEGABYTE
            await asyncio.sleep(0.3)  # A round of the maintenance, while it cannot be cut.
            assert reader.execute("SELECT count(*) FROM plain").fetchone() == (1,)
        waiting = asyncio.create_task(wait_until_cut(path))
        while busy and not waiting.done():
            await requests.send([Request([100])] * 5)
        await waiting
        await requests.send([Request([1])] * 5)
        assert requests.model.errors == []
        await database.close()
        requests.model.verify(path)

    asyncio.run(scenario())
