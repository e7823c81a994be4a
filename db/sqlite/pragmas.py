"""How a SQLite file is opened, by the service, the migrations and the tools alike.

WAL lets readers go on while one writes. ``synchronous=FULL`` makes a commit wait for the disk, so
that an acknowledged write survives ``kill -9`` and power loss
(https://sqlite.org/pragma.html#pragma_synchronous).
"""

import sqlite3
from pathlib import Path

BUSY_TIMEOUT_MS = 5_000
"""How long a connection waits for another process's lock, in milliseconds."""

_CACHED_STATEMENTS = 512


def connect(path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> sqlite3.Connection:
    """Open the file, making it if need be.

    The connection is in autocommit mode (transactions are begun by name) and may be used from any
    one thread at a time.
    """
    connection = sqlite3.connect(
        path,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )
    for pragma in (
        f"busy_timeout = {busy_timeout_ms}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "mmap_size = 1073741824",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection
