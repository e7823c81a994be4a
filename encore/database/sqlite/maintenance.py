"""Periodic maintenance of a SQLite file: checking it, and truncating a long write-ahead log.

SQLite moves the write-ahead log into the database when a commit leaves more than 1,000 pages in it,
in the thread of that commit. While a long reader needs the log it cannot restart, and grows;
afterwards only later writes would truncate it. So a log that is too long is checkpointed and
truncated here, in a thread, as soon as its readers have finished (https://sqlite.org/wal.html,
"Avoiding Excessively Large WAL Files").
"""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from encore.database.errors import DatabaseError
from encore.database.sqlite.pragmas import LOG_SIZE_LIMIT, connect
from encore.database.threads import run_in_thread

PERIOD_S: Final = 1.0


class Maintenance:
    """Maintains one file, once a second.

    Args:
        path: The file.
        check: Checks whether the file is ready; if not, raises, and writes are rejected.
    """

    def __init__(self, path: Path, check: Callable[[], Awaitable[None]]) -> None:
        self._path = path
        self._check = check
        self._timer: asyncio.TimerHandle | None = None
        self._round: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the next round after the period."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(PERIOD_S, self._begin_round)

    async def stop(self) -> None:
        """Start no more rounds, and wait for the current one to end."""
        if self._timer is not None:
            self._timer.cancel()
        if self._round is not None:
            await asyncio.wait({self._round})
        if self._timer is not None:
            self._timer.cancel()  # Set again by the round that has just ended.

    def _begin_round(self) -> None:
        self._round = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            with suppress(DatabaseError):  # Writes raise the same error.
                await self._check()
                if self._log_size() > LOG_SIZE_LIMIT:
                    await run_in_thread("sqlite-checkpoint", self._truncate_log)
        finally:
            self.start()

    def _log_size(self) -> int:
        try:
            return os.stat(f"{self._path}-wal").st_size  # noqa: PTH116 - as in encore.database.sqlite.file
        except OSError:
            return 0

    def _truncate_log(self) -> None:
        """Checkpoint the log; truncate it if no reader needs it."""
        with suppress(sqlite3.Error), closing(connect(self._path, create=False)) as driver:
            driver.execute("PRAGMA busy_timeout = 0")
            driver.execute("PRAGMA mmap_size = 0")  # As in the writer.
            # The passive checkpoint blocks no one and leaves little for the truncating one, which
            # writers wait for.
            _, in_log, moved = driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if in_log == moved:
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
