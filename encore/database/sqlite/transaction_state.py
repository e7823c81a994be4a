"""Whether the transaction that a connection was put into still exists.

``SQLITE_FULL``, ``SQLITE_IOERR``, ``SQLITE_NOMEM`` and a trigger's ``RAISE(ROLLBACK)`` roll back
the whole transaction, rather than the statement or the savepoint
(https://sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"). The
connection is in autocommit mode then: an ``INSERT`` that follows commits itself, and to release a
new savepoint is to commit. So the state is looked at after each failed statement, and nothing more
is run in a transaction that is lost, as PostgreSQL does in one that is aborted.
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

FAILURES: Final = (sqlite3.Error, MemoryError, OverflowError, UnicodeError)
"""What running a statement may raise: SQLite's errors, or the driver's about a value."""

_READ_ONLY: Final = "SQLITE_READONLY"


class TransactionState:
    """The transaction of one connection for writing.

    Attributes:
        lost: Why the transaction that was begun does not exist any more; None while it does, and
            where none was begun.
    """

    __slots__ = ("_begun", "_driver", "lost")

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver
        self._begun = False
        self.lost: DatabaseError | None = None

    def begin(self, sql: str) -> None:
        """Begin a transaction by this statement."""
        self.end()
        if self._driver.in_transaction:
            raise DatabaseUnavailable("the last transaction cannot be rolled back")
        self.execute(sql)
        self._begun = True

    def end(self) -> None:
        """Roll back what is left of the transaction, if anything is."""
        self._begun, self.lost = False, None
        if self._driver.in_transaction:
            with suppress(*FAILURES):  # For lack of memory; begin() tries again.
                self._driver.execute("ROLLBACK")

    def execute(self, sql: str) -> None:
        """Run a statement without values or rows. Raises ``DatabaseError``."""
        try:
            self._driver.execute(sql)
        except FAILURES as error:
            raise self.failed(error) from error

    def failed(self, error: Exception) -> DatabaseError:
        """Note that a statement failed; return our error for the driver's."""
        translated = translate(error)
        if isinstance(translated, ReadOnly) and translated.code == _READ_ONLY:
            translated = ReadOnlyDatabase(READ_ONLY, code=_READ_ONLY)
        if self._begun and self.lost is None and not self._driver.in_transaction:
            self.lost = translated
        return translated

    def require(self) -> None:
        """Raise why the transaction was lost, if it was."""
        if self.lost is not None:
            raise copy(self.lost)  # Each has a traceback of its own.
