"""ORM sessions on a driver connection that is in a transaction already.

The session joins it: what it flushes is part of it, and neither its commit nor its end commits or
undoes anything of the transaction itself.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from db.sqlite.translation import translate

T = TypeVar("T")


class _Joined:
    """A ``sqlite3`` connection whose transaction belongs to somebody else."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def commit(self) -> None:
        """Leave it to the owner."""

    def rollback(self) -> None:
        """Leave it to the owner: the session's own savepoint undoes what it did."""

    def close(self) -> None:
        """Leave it to the owner."""


class SqliteSessions:
    """Makes sessions on one ``sqlite3`` connection."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        joined: Any = _Joined(driver)
        self._engine = create_engine("sqlite://", creator=lambda: joined, poolclass=StaticPool)

    def run(self, work: Callable[[Session], T]) -> T:
        """Run work with a session, then flush what it added."""
        with self._engine.connect() as connection:
            connection.begin()
            with Session(connection, join_transaction_mode="create_savepoint") as session:
                result = work(session)
                session.commit()
            return result


def run_orm(sessions: SqliteSessions, work: Callable[[Session], T]) -> T:
    """Run work with a session; what the driver refuses comes as an error of ours."""
    try:
        return sessions.run(work)
    except DBAPIError as error:
        first = _before_rollback(error)
        if isinstance(first.orig, Exception):
            raise translate(first.orig) from error
        raise


def _before_rollback(error: DBAPIError) -> DBAPIError:
    """Return the error after which SQLAlchemy did not find its savepoint any more, if that is it.

    A trigger's ``RAISE(ROLLBACK)`` takes the savepoint away, so that going back to it fails too.
    """
    if "no such savepoint" not in str(error.orig):
        return error
    found, one = error, error.__context__
    while one is not None:
        if isinstance(one, DBAPIError):
            found = one
        one = one.__context__
    return found
