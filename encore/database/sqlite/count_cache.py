"""Counts that stay true until something is written.

``PRAGMA data_version`` changes on a connection whenever *another* connection, of this process or
any other, has committed (https://sqlite.org/pragma.html#pragma_data_version). The reader never
writes, so an unchanged version means an unchanged database, and every count is still right.
"""

import sqlite3
from collections import OrderedDict

from encore.database.sqlite.error_mapping import translate
from encore.database.sqlite.transaction_state import FAILURES
from encore.database.statement import Statement, Values

_MOST = 1_024
_MOST_CHARACTERS = 1_024
"""Of a count's parameters: callers choose them, and a query may hold 16 KB."""


class CountCache:
    """Bounded, least recently used first out."""

    def __init__(self, reader: sqlite3.Connection) -> None:
        self._reader = reader
        self._version = -1
        self._counts: OrderedDict[tuple[str, Values], int] = OrderedDict()

    def version(self) -> int:
        """Ask which version of the database is current, and drop what is of another.

        Raises ``DatabaseError``.
        """
        try:
            version: int = self._reader.execute("PRAGMA data_version").fetchone()[0]
        except FAILURES as error:
            raise translate(error) from error
        if version != self._version:
            self._version = version
            self._counts.clear()
        return version

    def get(self, statement: Statement, values: Values) -> int | None:
        """Give the count, if it is known for the current version."""
        key = (statement.sql, values)
        count = self._counts.get(key)
        if count is not None:
            self._counts.move_to_end(key)
        return count

    def put(self, statement: Statement, values: Values, count: int, version: int) -> None:
        """Keep a count that was begun at ``version``, unless that has passed meanwhile."""
        if version != self._version or _size(values) > _MOST_CHARACTERS:
            return
        self._counts[statement.sql, values] = count
        if len(self._counts) > _MOST:
            self._counts.popitem(last=False)


def _size(values: Values) -> int:
    return sum(len(value) for value in values if isinstance(value, str | bytes))
