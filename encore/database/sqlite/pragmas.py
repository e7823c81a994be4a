"""How a SQLite file is opened, by the service, the migrations and the tools alike.

WAL lets readers go on while one writes. ``synchronous=FULL`` makes a commit wait for the disk, so
that an acknowledged write survives ``kill -9`` and power loss
(https://sqlite.org/pragma.html#pragma_synchronous).
"""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

BUSY_TIMEOUT_MS = 5_000
"""How long a connection waits for another process's lock, in milliseconds."""

LOG_SIZE_LIMIT = 16 * 1024 * 1024
"""To how many bytes the write-ahead log is cut when it begins anew. SQLite keeps it at some 4 MB; a
long reader or a large transaction makes it longer."""

_CACHED_STATEMENTS = 512


def connect(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """Open the file.

    The connection is in autocommit mode (transactions are begun by name) and may be used from any
    one thread at a time.

    Args:
        path: Where.
        create: Whether to make the file if it is not there.
    """
    connection = sqlite3.connect(
        path if create else uri_of(path, "rw"),
        uri=not create,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        f"journal_size_limit = {LOG_SIZE_LIMIT}",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "mmap_size = 1073741824",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def uri_of(path: Path, mode: str) -> str:
    """Return the URI that opens a file as it is there: ``ro`` or ``rw``."""
    return f"file:{quote(os.fspath(path))}?mode={mode}"
