"""Inspecting a database from outside requests: read-only, and each failure in one line."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from encore.database.engine import with_connection
from encore.database.sqlite.pragmas import connect
from encore.database.urls import sqlite_path
from encore.errors import StartupError


def inspect_database(url: str, look: Callable[[Connection], None]) -> None:
    """Call ``look`` with a connection; on SQLite without the write lock, which others may hold.

    Raises:
        StartupError: The database cannot be read.
    """
    with_database(url, look, read_only=True)


def with_database(url: str, work: Callable[[Connection], None], *, read_only: bool) -> None:
    """Call ``work`` with a connection. Raises ``StartupError`` for any error of the database."""
    path = sqlite_path(url)
    try:
        if path is None or not read_only:
            with_connection(url, work)
            return
        engine = create_engine("sqlite://", creator=partial(connect, path), poolclass=NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
            work(connection)
    except SQLAlchemyError as error:
        raise unreadable(str(error.__cause__ or error)) from error
    except Exception as error:  # Drivers raise errors of their own when connecting.
        raise unreadable(str(error)) from error


def unreadable(why: str) -> StartupError:
    """Return the error for a database that cannot be read."""
    line = why.splitlines()[0] if why else "it cannot be opened"
    return StartupError(f"DATABASE_URL: the database cannot be read: {line}")
