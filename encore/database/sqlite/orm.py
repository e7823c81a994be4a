"""ORM sessions on a driver connection that is in a transaction already.

The session joins it: what it flushes is part of it, and neither its commit nor its end commits or
undoes anything of the transaction itself.
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
    """A cursor that runs nothing in a transaction that is lost.

    The error that loses it is the driver's own, so that SQLAlchemy knows it; what is run after
    that, such as going back to a savepoint, raises ours.
    """

    state: TransactionState

    def execute(self, *arguments: Any) -> Self:
        """Run a statement."""
        return self._checked(super().execute, *arguments)

    def executemany(self, *arguments: Any) -> Self:
        """Run a statement once for each set of parameters."""
        return self._checked(super().executemany, *arguments)

    def fetchone(self) -> Any:
        """Return the next row."""
        return self._checked(super().fetchone)

    def fetchmany(self, *arguments: Any, **options: Any) -> list[Any]:
        """Return the next rows."""
        return self._checked(super().fetchmany, *arguments, **options)

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return self._checked(super().fetchall)

    def _checked(self, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
        self.state.require()
        try:
            return call(*arguments, **options)
        except (sqlite3.Error, MemoryError) as error:
            self.state.failed(error)
            raise


class _Joined:
    """A ``sqlite3`` connection whose transaction belongs to somebody else."""

    def __init__(self, driver: sqlite3.Connection, state: TransactionState) -> None:
        self._driver = driver
        self._state = state

    def cursor(self) -> _Cursor:
        """Make a cursor."""
        cursor = self._driver.cursor(_Cursor)
        cursor.state = self._state
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def commit(self) -> None:
        """Leave it to the owner."""

    def rollback(self) -> None:
        """Leave it to the owner: the session's own savepoint undoes what it did."""

    def close(self) -> None:
        """Leave it to the owner."""


class SqliteSessions:
    """Makes sessions on one ``sqlite3`` connection.

    Args:
        driver: The connection.
        state: Its transaction; one for reading only has none to lose.
    """

    def __init__(self, driver: sqlite3.Connection, state: TransactionState | None = None) -> None:
        joined: Any = _Joined(driver, state or TransactionState(driver))
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
        if isinstance(error.orig, Exception):
            raise translate(error.orig) from error
        raise
    except MemoryError as error:
        raise translate(error) from error
