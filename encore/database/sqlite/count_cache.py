"""A cache of counts, which are valid until a write.

``PRAGMA data_version`` changes on a connection whenever *another* connection, of this process or
any other, has committed (https://sqlite.org/pragma.html#pragma_data_version). The reader never
writes, so an unchanged version means an unchanged database, and every count is still right.
"""

import sqlite3
from collections import OrderedDict
from typing import Final

from encore.database.sqlite.error_mapping import translate
from encore.database.sqlite.transaction_state import FAILURES
from encore.database.statement import Statement, Values

_MAX_COUNTS: Final = 1_024
_MAX_CHARACTERS: Final = 1_024
"""The longest parameters of a cached count: callers choose them, and a query may have 16 KB."""


class CountCache:
    """A bounded cache, from which the least recently used count is dropped first."""

    def __init__(self, reader: sqlite3.Connection) -> None:
        self._reader = reader
        self._version = -1
        self._counts: OrderedDict[tuple[str, Values], int] = OrderedDict()

    def version(self) -> int:
        """Return the current version of the database; drop the counts of others.

        Raises:
            DatabaseError: The version cannot be read.
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
        """Return the count of the current version; None if it is unknown."""
        key = (statement.sql, values)
        count = self._counts.get(key)
        if count is not None:
            self._counts.move_to_end(key)
        return count

    def put(self, statement: Statement, values: Values, count: int, version: int) -> None:
        """Keep a count that was begun at ``version``, unless the database has changed since."""
        if version != self._version or _size(values) > _MAX_CHARACTERS:
            return
        self._counts[statement.sql, values] = count
        if len(self._counts) > _MAX_COUNTS:
            self._counts.popitem(last=False)


def _size(values: Values) -> int:
    return sum(len(value) for value in values if isinstance(value, str | bytes))
