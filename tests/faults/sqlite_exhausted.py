"""Run concurrent requests in a process of their own that is short of memory or of file size.

``python -m tests.faults.sqlite_exhausted memory|file-size FILE`` prints, as JSON, which of the
database's codes refused a request. It fails where the file does not hold what was acknowledged.

SQLite's memory limit cannot be lifted again, and both limits are the whole process's.
"""

import asyncio
import json
import resource
import sys
from pathlib import Path

from encore.database.errors import DatabaseError
from encore.database.sqlite import SqliteDatabase
from tests.faults.sqlite_requests import Request, Requests, create

LARGE = 13_000_000
SMALL = 1_000


def limit_memory(database: SqliteDatabase) -> None:
    """Let SQLite have 12 MB: a large row does not fit."""
    assert database._writer is not None
    database._writer._driver.execute("PRAGMA hard_heap_limit = 12000000")


def limit_file_size(path: Path) -> None:
    """Have writing fail with EFBIG, and so with SQLITE_IOERR_WRITE, beyond 100 KB."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = Path(f"{path}-wal").stat().st_size + 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))


async def main(what: str, path: Path) -> None:
    """Send requests, some large, until the limit has been met often."""
    create(path)
    database = SqliteDatabase(path)
    await database.open()
    requests = Requests(database)
    model = requests.model
    await requests.send([Request([1]), Request([1], by="orm")])
    if what == "memory":
        limit_memory(database)
    else:
        limit_file_size(path)
    for by in ("statements", "orm"):
        for size in (SMALL, LARGE, SMALL):
            await requests.send([Request([SMALL, size], by=by, swallows=n == 3) for n in range(5)])
            model.verify(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    before = len(model.acknowledged)
    await requests.send([Request([SMALL])])
    assert len(model.acknowledged) == before + 1
    model.verify(path)
    await database.close()
    codes = {error.code for error in model.errors if isinstance(error, DatabaseError)}
    sys.stdout.write(json.dumps(sorted(map(str, codes))))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
