"""INSERT with ``ON CONFLICT``, which SQLAlchemy has for each dialect by itself."""

from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_on_conflict(table: Table, dialect: Dialect) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT of a table that has ``on_conflict_do_nothing`` and ``..._do_update``."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
