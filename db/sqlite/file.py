"""Whether the path of the database still names the file that is open.

SQLite goes on writing to a file that has been deleted or replaced: commits succeed, and are gone
when the last connection is closed (https://sqlite.org/howtocorrupt.html, section 2.4). So device
and inode are compared after each commit, before anything is acknowledged; and so are those of the
write-ahead log, which holds the latest commits.
"""

import errno
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

from db.errors import DatabaseFileChanged, ReadOnlyDatabase
from db.sqlite.pragmas import connect

_WRITABLE: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class DatabaseFile:
    """A database file and its write-ahead log, as they are now, when they have just been opened.

    Args:
        path: Where; symbolic links are followed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = (os.fspath(path), f"{path}-wal")
        found, log = map(os.stat, self._names)
        self._identity = _identity(found)
        self._log_identity = _identity(log)
        self._size = found.st_size
        self._truncated = False

    def verify(self) -> None:
        """Raise ``DatabaseFileChanged`` unless the path still names this file."""
        name, log_name = self._names
        try:
            found, log = os.stat(name), os.stat(log_name)  # noqa: PTH116 - Path.stat is slower
        except OSError as error:
            raise self._missing(error) from error
        if _identity(found) != self._identity:
            raise DatabaseFileChanged("The database file was replaced", code="file-replaced")
        if _identity(log) != self._log_identity:
            raise DatabaseFileChanged(
                "The write-ahead log of the database was replaced", code="log-replaced"
            )
        if found.st_size != self._size or self._truncated:
            self._resized(found.st_size)

    def check(self) -> None:
        """Raise ``DatabaseNotReady`` unless the path names this file and it can be written to."""
        self.verify()
        name = self._names[0]
        # Permissions do not bind root, but say what is wanted.
        if not os.stat(name).st_mode & _WRITABLE or not os.access(name, os.W_OK):  # noqa: PTH116
            raise ReadOnlyDatabase("The database file is read-only", code="file-read-only")

    def _missing(self, error: OSError) -> DatabaseFileChanged:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            code = errno.errorcode.get(error.errno or 0)
            return DatabaseFileChanged("The database file cannot be reached", code=code)
        if error.filename == self._names[1]:
            text = "The write-ahead log of the database was deleted"
            return DatabaseFileChanged(text, code="log-deleted")
        return DatabaseFileChanged("The database file was deleted", code="file-deleted")

    def _resized(self, size: int) -> None:
        """Note the file's size; one that is too small for its content has been truncated.

        It also shrinks where another process has vacuumed it.
        """
        if self._truncated or (size < self._size and size < self._bytes_in_use()):
            self._truncated = True
            raise DatabaseFileChanged("The database file was truncated", code="file-truncated")
        self._size = size

    def _bytes_in_use(self) -> float:
        try:
            with closing(connect(self._path, create=False)) as driver:
                (pages,) = driver.execute("PRAGMA page_count").fetchone()
                (page_size,) = driver.execute("PRAGMA page_size").fetchone()
        except sqlite3.Error:  # Its first page says more pages than there are, or is not there.
            return float("inf")
        return int(pages) * int(page_size)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
