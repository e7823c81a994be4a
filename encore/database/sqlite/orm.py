"""ORM sessions on a driver connection that is already in a transaction.

The session joins it: its flushes are part of the transaction, but neither its commit nor its end
commits or rolls back the transaction.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Self, TypeVar

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from encore.database.sqlite.error_mapping import translate
from encore.database.sqlite.transaction_state import TransactionState

T = TypeVar("T")


class _Cursor(sqlite3.Cursor):
    """A cursor that runs no statement in a lost transaction.

    The statement that loses the transaction raises the driver's error, which SQLAlchemy knows;
    later ones, such as a rollback to a savepoint, raise the error of this package.
    """

    state: TransactionState

    def execute(self, *arguments: Any) -> Self:
        """Run a statement."""
        return self._checked(super().execute, *arguments)

    def executemany(self, *arguments: Any) -> Self:
        """Run a statement once for each set of parameters."""
        return self._checked(super().executemany, *arguments)

    def fetchone(self) -> Any:
        """Fetch the next row."""
        return self._checked(super().fetchone)

    def fetchmany(self, *arguments: Any, **options: Any) -> list[Any]:
        """Fetch the next rows."""
        return self._checked(super().fetchmany, *arguments, **options)

    def fetchall(self) -> list[Any]:
        """Fetch all remaining rows."""
        return self._checked(super().fetchall)

    def _checked(self, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
        self.state.require()
        try:
            return call(*arguments, **options)
        except (sqlite3.Error, MemoryError) as error:
            self.state.failed(error)
            raise


class _Joined:
    """A ``sqlite3`` connection whose transaction another object owns."""

    def __init__(self, driver: sqlite3.Connection, state: TransactionState) -> None:
        self._driver = driver
        self._state = state

    def cursor(self) -> _Cursor:
        """Return a new cursor."""
        cursor = self._driver.cursor(_Cursor)
        cursor.state = self._state
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def commit(self) -> None:
        """Do nothing: the owner does."""

    def rollback(self) -> None:
        """Do nothing: the session rolls back to its savepoint."""

    def close(self) -> None:
        """Do nothing: the owner does."""


class SqliteSessions:
    """Creates sessions on a ``sqlite3`` connection.

    Args:
        driver: The connection.
        state: The connection's transaction; None if it only reads.
    """

    def __init__(self, driver: sqlite3.Connection, state: TransactionState | None = None) -> None:
        joined: Any = _Joined(driver, state or TransactionState(driver))
        self._engine = create_engine("sqlite://", creator=lambda: joined, poolclass=StaticPool)

    def run(self, work: Callable[[Session], T]) -> T:
        """Run work with a session, then flush it."""
        with self._engine.connect() as connection:
            connection.begin()
            with Session(connection, join_transaction_mode="create_savepoint") as session:
                result = work(session)
                session.commit()
            return result


def run_orm(sessions: SqliteSessions, work: Callable[[Session], T]) -> T:
    """Run work with a session; raise ``DatabaseError`` for the driver's errors."""
    try:
        return sessions.run(work)
    except DBAPIError as error:
        if isinstance(error.orig, Exception):
            raise translate(error.orig) from error
        raise
    except MemoryError as error:
        raise translate(error) from error
