"""Running statements on one asyncpg connection, and giving their rows."""

from typing import Any

from db.postgresql.translation import translate
from db.statement import Row, Statement, Values, compile_in_thread


class Fetching:
    """What a connection for a request and one for bulk work have in common."""

    __slots__ = ()

    _connection: Any

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and give all its rows."""
        if not statement.compiled:
            await compile_in_thread(statement)
        try:
            rows: list[Any] = await self._connection.fetch(statement.sql, *statement.bind(values))
        except Exception as error:
            raise translate(error) from error
        return rows

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and give its first row, or None."""
        rows = await self.fetch_all(statement, values)
        return rows[0] if rows else None

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        """Run a ``SELECT count(*)``."""
        rows = await self.fetch_all(statement, values)
        count: int = rows[0][0]
        return count
