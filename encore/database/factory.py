"""Which driver a database is opened with: the one place that knows both."""

from collections.abc import Collection

from encore.database.protocol import Database
from encore.database.urls import sqlite_path


def open_database(url: str, *, outdated: Collection[str] = ()) -> Database:
    """Make the database that the URL names, not yet connected.

    Args:
        url: A SQLite or PostgreSQL URL.
        outdated: Alembic revisions at which nothing may be written (``encore.database.startup``).
    """
    path = sqlite_path(url)
    if path is not None:
        from encore.database.sqlite import SqliteDatabase  # noqa: PLC0415 - only the driver in use is loaded

        return SqliteDatabase(path, outdated=outdated)
    from encore.database.postgresql import PostgresDatabase  # noqa: PLC0415

    return PostgresDatabase(url, outdated=outdated)
