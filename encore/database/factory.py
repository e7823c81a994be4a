"""Choosing the driver for a database URL; no other module imports both."""

from collections.abc import Collection

from encore.database.protocol import Database
from encore.database.urls import sqlite_path, validate_url


def open_database(url: str, *, outdated: Collection[str] = ()) -> Database:
    """Return the database of a URL, not yet connected.

    Args:
        url: A SQLite or PostgreSQL URL.
        outdated: Alembic revisions at which the database must not be written to
            (``encore.database.startup.check_revision``).

    Raises:
        ValueError: The URL is not of a supported database; the message does not repeat it.
    """
    try:
        validate_url(url)
    except ValueError as error:
        raise ValueError(f"the database's URL {error}") from error
    path = sqlite_path(url)
    if path is not None:
        from encore.database.sqlite import SqliteDatabase  # noqa: PLC0415 - only the driver in use is loaded

        return SqliteDatabase(path, outdated=outdated)
    from encore.database.postgresql import PostgresDatabase  # noqa: PLC0415 - as above

    return PostgresDatabase(url, outdated=outdated)
