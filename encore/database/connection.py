"""A connection, as the rest of the service sees it: it runs compiled statements.

Rows are plain sequences in column order.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from encore.database.statement import Row, Statement, Values

T = TypeVar("T")


class Connection(Protocol):
    """Runs compiled statements.

    Every method raises ``encore.database.errors.DatabaseError`` and nothing else of the driver's.
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
