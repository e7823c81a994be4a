"""Running statements on an asyncpg connection, and fetching their rows."""

from asyncio import CancelledError, current_task
from typing import Any

from encore.database.errors import DatabaseError
from encore.database.postgresql.connection import PooledConnection
from encore.database.postgresql.error_mapping import translate
from encore.database.postgresql.timestamps import set_tolerant_codecs
from encore.database.statement import Row, Statement, Values, compile_in_thread


class FetchMixin:
    """The methods that connections for requests and for bulk work share."""

    __slots__ = ()

    _connection: PooledConnection

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        """Run the statement and return all its rows."""
        if not statement.compiled:
            await compile_in_thread(statement)
        connection = self._connection
        if statement.slow_until and not connection.has_no_time_limit:
            connection.watchdog.admit(statement)
        connection.statement = statement
        connection.task = current_task()
        connection.started = connection.watchdog.tick
        try:
            fetch = (
                connection.plan_and_fetch if statement.is_planned_each_time else connection.fetch
            )
            rows: list[Any] = await fetch(statement.sql, *statement.bind(values))
        except (ValueError, OverflowError) as error:
            if type(error) not in (
                ValueError,
                OverflowError,
            ):  # asyncpg's subclasses.
                raise self._failed(error) from error
            rows = await self._fetch_again(statement, values, error)
        except CancelledError:
            self._cancelled()
            raise
        except Exception as error:
            raise self._failed(error) from error
        connection.started = 0
        connection.task = None
        return rows

    def _cancelled(self) -> None:
        """Note that the statement's task was cancelled. May raise ``CallerDisconnected``."""
        self._connection.task = None

    def _failed(self, error: Exception) -> DatabaseError:
        """Return the error for a failed statement."""
        return self._connection.failed(error)

    async def _fetch_again(
        self, statement: Statement, values: Values, error: Exception
    ) -> list[Row]:
        """Return the rows of a statement that has run, but whose rows could not be decoded.

        Its changes are made and may be committed. An UPDATE is run again, with the same result;
        the values of a deleted row are lost.
        """
        verb = statement.sql.lstrip()[:6].upper()
        connection = self._connection
        try:
            await set_tolerant_codecs(connection)
            if verb in ("SELECT", "UPDATE"):
                rows: list[Any] = await connection.fetch(statement.sql, *statement.bind(values))
                return rows
            if verb == "DELETE":
                prepared = await connection.prepare(statement.sql)
                return [(None,) * len(prepared.get_attributes())]
        except CancelledError:
            self._cancelled()
            raise
        except Exception as failure:
            raise self._failed(failure) from failure
        connection.started = 0
        connection.task = None
        raise translate(error) from error

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        """Run the statement and return its first row, or None."""
        rows = await self.fetch_all(statement, values)
        return rows[0] if rows else None

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        """Run a ``SELECT count(*)``."""
        rows = await self.fetch_all(statement, values)
        count: int = rows[0][0]
        return count
