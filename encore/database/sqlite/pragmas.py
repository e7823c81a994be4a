"""Opening a SQLite file, for the service, the migrations and the tools.

With WAL, readers go on during a write. With ``synchronous=FULL`` a commit waits for the disk, so
that an acknowledged write survives ``kill -9`` and power loss
(https://sqlite.org/pragma.html#pragma_synchronous).
"""

import os
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

BUSY_TIMEOUT_MS: Final = 5_000
"""How long a connection waits for another process's lock, in milliseconds."""

LOG_SIZE_LIMIT: Final = 16 * 1024 * 1024
"""The size to which the write-ahead log is truncated when it restarts, in bytes. SQLite keeps it at
about 4 MB; a long reader or a large transaction makes it longer."""

_CACHED_STATEMENTS: Final = 512


def connect(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """Return a connection to a file.

    It is in autocommit mode (transactions begin with an explicit BEGIN) and may be used from one
    thread at a time.

    Args:
        path: The file.
        create: Whether to create the file if it does not exist.
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
    """Return the URI that opens an existing file in a mode: ``ro`` or ``rw``."""
    return f"file:{quote(os.fspath(path))}?mode={mode}"
