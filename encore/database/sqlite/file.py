"""Checking that the path of the database still names the file that is open.

SQLite goes on writing to a file that has been deleted or replaced: commits succeed, and are lost
when the last connection is closed (https://sqlite.org/howtocorrupt.html, section 2.4). So device
and inode are compared after each commit, before it is acknowledged. So are those of the write-ahead
log, which holds the latest commits, and of its index (``-shm``): if that is replaced, another
process uses another one, and both write to the same places of the log.
"""

import errno
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

from encore.database.errors import DatabaseFileChanged, ReadOnlyDatabase
from encore.database.sqlite.pragmas import uri_of

_WRITABLE: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class DatabaseFile:
    """The identity of a database file, its log and the log's index, when it was opened.

    Args:
        path: The path; symbolic links are followed.

    Attributes:
        truncated: Whether the file was found to be too small for its content; never reset.

    Raises:
        OSError: One of the files is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = (os.fspath(path), f"{path}-wal", f"{path}-shm")
        found, log, index = map(os.stat, self._names)
        self._identity = _identity(found)
        self._log_identity = _identity(log)
        self._index_identity = _identity(index)
        self._size = found.st_size
        self.truncated = False

    def verify(self) -> None:
        """Raise ``DatabaseFileChanged`` unless the path still names this file."""
        name, log_name, index_name = self._names
        try:
            found = os.stat(name)  # noqa: PTH116 - Path.stat is slower
            if _identity(found) != self._identity:
                raise DatabaseFileChanged("The database file was replaced", code="file-replaced")
            if _identity(os.stat(log_name)) != self._log_identity:  # noqa: PTH116 - as above
                text = "The write-ahead log of the database was replaced"
                raise DatabaseFileChanged(text, code="log-replaced")
            if _identity(os.stat(index_name)) != self._index_identity:  # noqa: PTH116 - as above
                text = "The index of the database's write-ahead log was replaced"
                raise DatabaseFileChanged(text, code="index-replaced")
        except OSError as error:
            raise self._missing(error) from error
        if found.st_size != self._size or self.truncated:
            self._resized(found.st_size)

    def check(self) -> None:
        """Raise ``DatabaseNotReady`` unless the path names this file and it is writable."""
        self.verify()
        # Permissions do not restrict root, but they express the intent.
        if not self._path.stat().st_mode & _WRITABLE or not os.access(self._path, os.W_OK):
            raise ReadOnlyDatabase("The database file is read-only", code="file-read-only")

    def _missing(self, error: OSError) -> DatabaseFileChanged:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            return DatabaseFileChanged(
                "The database file cannot be reached", code=error_symbol(error)
            )
        if error.filename == self._names[1]:
            text = "The write-ahead log of the database was deleted"
            return DatabaseFileChanged(text, code="log-deleted")
        if error.filename == self._names[2]:
            text = "The index of the database's write-ahead log was deleted"
            return DatabaseFileChanged(text, code="index-deleted")
        return DatabaseFileChanged("The database file was deleted", code="file-deleted")

    def _resized(self, size: int) -> None:
        """Store the file's new size; raise if the file has been truncated.

        A file that is smaller may also have been vacuumed by another process.
        """
        if self.truncated or (size < self._size and size < self._bytes_in_use()):
            self.truncated = True
            raise DatabaseFileChanged("The database file was truncated", code="file-truncated")
        self._size = size

    def _bytes_in_use(self) -> float:
        try:
            uri = uri_of(self._path, "ro")  # Read-only, without pragmas that write.
            with closing(sqlite3.connect(uri, uri=True, timeout=0)) as driver:
                (pages,) = driver.execute("PRAGMA page_count").fetchone()
                (page_size,) = driver.execute("PRAGMA page_size").fetchone()
        except sqlite3.Error:  # Its first page is missing, or counts more pages than exist.
            return float("inf")
        return int(pages) * int(page_size) or float("inf")  # An empty file has none.


def error_symbol(error: OSError) -> str | None:
    """Return the symbol of a system error, such as ``ENOSPC``."""
    return errno.errorcode.get(error.errno or 0)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
