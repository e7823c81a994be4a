"""The number of rows that an UPDATE or a DELETE has changed, without returning the rows.

PostgreSQL counts them in the statement itself, whose common table expression writes. SQLite tells
the number afterwards; rows that triggers and foreign keys changed are not in it.
"""

from typing import Any

from sqlalchemy import Delete, Select, Update, func, literal_column, select


def counted(change: Update | Delete) -> Select[Any]:
    """Return the statement that changes rows and returns their number (``writable_ctes``)."""
    changed = change.returning(literal_column("1").label("changed")).cte("changed")
    return select(func.count()).select_from(changed)


def changed_rows() -> Select[Any]:
    """Return the SELECT of how many rows the last statement of the connection has changed."""
    return select(func.changes())
