"""Which driver a database is opened with: the one place that knows both."""

from db.database import Database
from db.urls import sqlite_path


def open_database(url: str) -> Database:
    """Make the database that the URL names, not yet connected."""
    path = sqlite_path(url)
    if path is not None:
        from db.sqlite import SqliteDatabase  # noqa: PLC0415 - only the driver in use is loaded

        return SqliteDatabase(path)
    from db.postgresql import PostgresDatabase  # noqa: PLC0415

    return PostgresDatabase(url)
