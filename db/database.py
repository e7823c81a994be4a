"""What the rest of the service sees of a database: three ways in, and statements.

``reading()`` gives a connection for statements that change nothing. ``writing()`` gives one inside
a transaction that is committed, durably, when its block ends, and rolled back when the block
raises; nothing is acknowledged before that. ``bulk()`` gives one for many rows at a time. All give
rows as plain sequences in column order.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from sqlalchemy import Dialect, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from db.statement import Row, Statement, Values

if TYPE_CHECKING:
    from db.bulk import Bulk

SCHEMES = ("sqlite", "postgresql")
T = TypeVar("T")


class Connection(Protocol):
    """Runs compiled statements.

    Every method raises ``db.errors.DatabaseError`` and nothing else of the driver's.
    """

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and give all its rows."""
        ...

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and give its first row, or None."""
        ...

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        """Run a ``SELECT count(*)``; its result may come from a cache that writes invalidate."""
        ...

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run work with a SQLAlchemy session that joins this connection's transaction."""
        ...


class Database(Protocol):
    """A database that is open between ``open`` and ``close``."""

    dialect: Dialect

    async def open(self) -> None:
        """Connect. Raises ``DatabaseUnavailable``."""
        ...

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """Enter with a connection for reading only."""
        ...

    def writing(self, *, single: bool = False) -> AbstractAsyncContextManager[Connection]:
        """Enter with a connection inside a transaction of its own.

        Args:
            single: The block runs one statement at most, which is atomic by itself; the
                database may then spare the round trips that mark a transaction.
        """
        ...

    def bulk(self) -> "AbstractAsyncContextManager[Bulk]":
        """Enter with a connection for bulk work, waiting while too many are under way."""
        ...

    async def revision(self) -> str | None:
        """Give the Alembic revision that the database is at, or None. Proves it is readable."""
        ...


def sqlite_path(url: str) -> Path | None:
    """Give the file of a SQLite URL; None for another database. ``:memory:`` is not a file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or ":memory:")


def check_url(url: str) -> None:
    """Refuse what is not the URL of a database that this service runs on.

    Raises:
        ValueError: Says what is wrong, without repeating the URL: it may hold a password.
    """
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError as error:
        raise ValueError("is not a database URL such as sqlite:///dev.sqlite") from error
    if backend not in SCHEMES:
        raise ValueError(f"has the scheme {backend!r}; known are {', '.join(SCHEMES)}")
    if backend == "sqlite" and str(sqlite_path(url)) == ":memory:":
        raise ValueError("needs a file: an in-memory database keeps nothing")


def open_database(url: str) -> Database:
    """Make the database that the URL names, not yet connected."""
    path = sqlite_path(url)
    if path is not None:
        from db.sqlite import SqliteDatabase  # noqa: PLC0415 - only the driver in use is loaded

        return SqliteDatabase(path)
    from db.postgresql import PostgresDatabase  # noqa: PLC0415

    return PostgresDatabase(url)
