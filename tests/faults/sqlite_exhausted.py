"""Run concurrent requests in a separate process whose memory or file size is limited.

``python -m tests.faults.sqlite_exhausted memory|file-size FILE`` prints, as JSON, the error
codes of rejected requests. It fails if the file does not contain the acknowledged rows.

SQLite's memory limit cannot be removed again, and both limits apply to the whole process.
"""

import asyncio
import json
import resource
import sys
from pathlib import Path

from encore.database.errors import DatabaseError
from encore.database.sqlite import SqliteDatabase
from tests.faults.sqlite_requests import Request, RequestSender, create_file

LARGE = 13_000_000
SMALL = 1_000


def limit_memory(database: SqliteDatabase) -> None:
    """Limit SQLite to 12 MB: a large row does not fit."""
    assert database._writer is not None
    database._writer._driver.execute("PRAGMA hard_heap_limit = 12000000")


def limit_file_size(path: Path) -> None:
    """Limit further writes to 100 KB: then EFBIG, which is SQLITE_IOERR_WRITE."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    max_bytes = Path(f"{path}-wal").stat().st_size + 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, hard))


async def main(limit: str, path: Path) -> None:
    """Send requests, some of them large, that reach the limit several times."""
    create_file(path)
    database = SqliteDatabase(path)
    await database.open()
    sender = RequestSender(database)
    model = sender.model
    await sender.send([Request([1]), Request([1], method="orm")])
    if limit == "memory":
        limit_memory(database)
    else:
        limit_file_size(path)
    for method in ("statements", "orm"):
        for size in (SMALL, LARGE, SMALL):
            await sender.send(
                [Request([SMALL, size], method=method, ignores_errors=n == 3) for n in range(5)]
            )
            model.verify(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    before = len(model.acknowledged)
    await sender.send([Request([SMALL])])
    assert len(model.acknowledged) == before + 1
    model.verify(path)
    await database.close()
    codes = {error.code for error in model.errors if isinstance(error, DatabaseError)}
    sys.stdout.write(json.dumps(sorted(map(str, codes))))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
