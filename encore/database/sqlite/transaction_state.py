"""Tracking whether the transaction of a connection still exists.

``SQLITE_FULL``, ``SQLITE_IOERR``, ``SQLITE_NOMEM`` and a trigger's ``RAISE(ROLLBACK)`` roll back
the whole transaction, rather than the statement or the savepoint
(https://sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"). The
connection is then in autocommit mode: an ``INSERT`` that follows commits itself, and so does
releasing a new savepoint. So the state is checked after each failed statement, and no statement
runs in a lost transaction, as in an aborted one of PostgreSQL.
"""

import sqlite3
from contextlib import suppress
from copy import copy
from typing import Final

from encore.database.errors import (
    READ_ONLY,
    DatabaseError,
    DatabaseUnavailable,
    ReadOnly,
    ReadOnlyDatabase,
)
from encore.database.sqlite.error_mapping import translate
from encore.database.statement import Values

FAILURES: Final = (sqlite3.Error, MemoryError, OverflowError, UnicodeError)
"""Exceptions of running a statement: SQLite's errors, and the driver's for a value."""

_READ_ONLY: Final = "SQLITE_READONLY"


class TransactionState:
    """The transaction of a connection for writing.

    Attributes:
        lost: The error that ended the transaction; None while it exists, or if none was begun.
    """

    __slots__ = ("_begun", "_driver", "lost")

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver
        self._begun = False
        self.lost: DatabaseError | None = None

    def begin(self, sql: str) -> None:
        """Begin a transaction with a statement."""
        self.end()
        if self._driver.in_transaction:
            raise DatabaseUnavailable("the last transaction cannot be rolled back")
        self.execute(sql)
        self._begun = True

    def end(self) -> None:
        """Roll back the transaction, if it still exists."""
        self._begun, self.lost = False, None
        if self._driver.in_transaction:
            with suppress(*FAILURES):  # Out of memory; begin() tries again.
                self._driver.execute("ROLLBACK")

    def execute(self, sql: str, values: Values = ()) -> None:
        """Run a statement without rows. Raises ``DatabaseError``."""
        try:
            self._driver.execute(sql, values)
        except FAILURES as error:
            raise self.failed(error) from error

    def failed(self, error: Exception) -> DatabaseError:
        """Track a failed statement; return the ``DatabaseError`` for the driver's error."""
        translated = translate(error)
        if isinstance(translated, ReadOnly) and translated.code == _READ_ONLY:
            translated = ReadOnlyDatabase(READ_ONLY, code=_READ_ONLY)
        if self._begun and self.lost is None and not self._driver.in_transaction:
            self.lost = translated
        return translated

    def require(self) -> None:
        """Raise the error that ended the transaction, if one did."""
        if self.lost is not None:
            raise copy(self.lost)  # Each has its own traceback.
