"""A connection of the pool: connecting, its transaction, and whether it may be reused.

A connection is clean if no statement runs on it and no transaction is open. Only a response of the
server clears ``started``: a cancelled statement leaves it set, which tells the pool.
"""

import asyncio
import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg

from encore.database.callers import Author
from encore.database.errors import CommitOutcomeUnknown, DatabaseBusy, DatabaseError, RolledBack
from encore.database.history.postgresql import set_author
from encore.database.postgresql.error_mapping import translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from encore.database.statement import Statement

CONNECT_TIMEOUT_S: Final = 4.0
STATEMENT_TIMEOUT_MS: Final = 9_000
"""The server's time limit, below the watchdog's, so that the response says which one ended it."""

STATEMENT_TIMEOUT_TICKS: Final = 33
"""Ticks of the watchdog that certainly pass before the server's time limit."""

LOCK_TIMEOUT_MS: Final = 5_000
_PREPARED: Final = 512

SERVER_SETTINGS: Final = {
    "application_name": "encore",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": "600000",
    "timezone": "UTC",
    # The server rolls back the transaction of a client that it cannot reach.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
_SOCKET_OPTIONS: Final = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 3),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 2),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 8_000),  # In milliseconds; the others in seconds.
)
_DETECT_LOST_CLIENTS: Final = "SELECT set_config('client_connection_check_interval', '1000', false)"
"""Ends a running statement within a second after its client has closed the connection."""


class OperationMonitor(Protocol):
    """The methods of the watchdog that connections call.

    Attributes:
        tick: The number of ticks that have passed; never 0.
    """

    tick: int

    def admit(self, statement: "Statement") -> None:
        """Admit a statement that was slow recently. Raise ``DatabaseBusy`` if too many run."""
        ...

    def forget_statements(self) -> None:
        """Have every connection prepare its statements again, because a table has changed."""
        ...

    def on_failover(self) -> None:
        """Replace idle connections, at most at intervals: new ones may reach the primary."""
        ...


class PooledConnection(asyncpg.Connection):  # type: ignore[misc] # asyncpg is untyped
    """A connection that belongs to a pool.

    Attributes:
        watchdog: Ends operations that take too long.
        slot: The connection's number in the pool.
        started: The watchdog's tick at which the running operation began; 0 if none runs.
        statement: The statement that is running, or ran last.
        task: The task that waits for the statement's rows, if any.
        on_tick: Called by the watchdog while a statement runs for a session that only reads.
        has_no_time_limit: Whether operations may take any time, as in bulk work.
        is_reusable: Whether the connection may return to the pool.
    """

    __slots__ = (
        "_seen",
        "has_no_time_limit",
        "is_reusable",
        "on_tick",
        "slot",
        "started",
        "statement",
        "task",
        "watchdog",
    )

    slot: int
    watchdog: "OperationMonitor"
    if TYPE_CHECKING:
        _top_xact: Any  # An attribute of asyncpg: the outermost transaction.

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.started = 0
        self.statement: Statement | None = None
        self.task: asyncio.Task[Any] | None = None
        self.on_tick: Callable[[], None] | None = None
        self.has_no_time_limit = False
        self.is_reusable = True
        self._seen = 0

    async def plan_and_fetch(self, sql: str, *values: Any) -> list[Any]:
        """Run a statement with a plan for these values, and return its rows.

        A named prepared statement may get a generic plan; an unnamed one never does.
        """
        prepared = await self.prepare(sql, name="")
        rows: list[Any] = await prepared.fetch(*values)
        return rows

    @property
    def is_clean(self) -> bool:
        """Whether it is open, no operation runs on it and no transaction is open."""
        protocol = self._protocol
        return (
            not self.started
            and self.is_reusable
            and protocol is not None
            and protocol.is_connected()
            and not protocol.is_in_transaction()
        )

    async def begin(self, *, readonly: bool = False, author: Author | None = None) -> None:
        """Begin a transaction; transactions of asyncpg inside it become savepoints.

        Args:
            readonly: Whether the server rejects writes.
            author: Whom the triggers of history tables record; named in the same round trip.
        """
        command = "BEGIN READ ONLY" if readonly else "BEGIN"
        await self.run_command(command if author is None else f"{command}; {set_author(author)}")
        self._top_xact = self.transaction()

    async def commit(self) -> None:
        """Commit.

        Raises:
            CommitOutcomeUnknown: The connection was lost before the server responded.
            RolledBack: A statement had failed, so the server has rolled back.
            DatabaseError: The server rejected the commit; nothing has changed.
        """
        self._top_xact = None
        try:
            tag = await self.run_command("COMMIT")
        except Exception as error:
            raise outcome_unknown(error) or translate(error) from error
        if tag != "COMMIT":
            raise RolledBack("a statement of the transaction had failed", code="25P02")

    async def rollback(self) -> None:
        """Roll back. If that fails, the connection is not reused: closing it rolls back as well."""
        self._top_xact = None
        self.has_no_time_limit = False
        try:
            await self.run_command("ROLLBACK")
        except Exception:  # noqa: BLE001 - every error has the same outcome
            self.is_reusable = False

    async def run_command(self, sql: str) -> str:
        """Run a command of a transaction; return the server's tag. Raises the driver's errors."""
        self.statement = None
        self.started = self.watchdog.tick
        try:
            tag: str = await self.execute(sql)
        except asyncpg.PostgresError:
            self.started = 0
            raise
        self.started = 0
        return tag

    def failed(self, error: Exception) -> DatabaseError:
        """Return the error for a failed statement, and note that the statement has ended."""
        started, self.started = self.started, 0
        ticks = self.watchdog.tick - started
        match error:
            case asyncpg.QueryCanceledError() if ticks < STATEMENT_TIMEOUT_TICKS:
                return DatabaseBusy("ended to make room for others", code=error.sqlstate)
            case asyncpg.ReadOnlySQLTransactionError() if self._is_demoted:
                self.is_reusable = False
                self.watchdog.on_failover()
            case _ if type(error) is asyncpg.InterfaceError:  # Misused: a statement may be running.
                self.is_reusable = False
        return translate(error)

    def _drop_global_statement_cache(self) -> None:
        """Drop the prepared statements of all connections: asyncpg has noticed a changed table."""
        self.watchdog.forget_statements()

    @property
    def _is_demoted(self) -> bool:
        """Whether the server is a standby, or read-only by default (since version 14)."""
        settings = self.get_settings()
        names = ("in_hot_standby", "default_transaction_read_only")
        return any(getattr(settings, name, "off") == "on" for name in names)

    def note_progress(self, tick: int) -> None:
        """Restart the time of the running operation if it has sent a statement since."""
        protocol = self._protocol
        if protocol is not None and protocol.queries_count != self._seen:
            self._seen = protocol.queries_count
            self.started = tick

    def set_keepalive(self) -> None:
        """Have the kernel detect a lost peer, which acknowledges nothing for 8 to 9 seconds."""
        handle = self._transport.get_extra_info("socket")
        if handle is None or handle.family not in (socket.AF_INET, socket.AF_INET6):
            return
        for level, name, value in _SOCKET_OPTIONS:
            if hasattr(socket, name):  # Not every system has all options.
                handle.setsockopt(level, getattr(socket, name), value)


def outcome_unknown(error: Exception) -> CommitOutcomeUnknown | None:
    """Return the error for a failed commit, if it may have succeeded; otherwise None."""
    if not isinstance(error, asyncpg.ConnectionDoesNotExistError):  # Closed during the statement.
        return None
    code = getattr(error.__cause__, "sqlstate", None) or error.sqlstate
    return CommitOutcomeUnknown(f"{type(error).__name__}: {error}", code=code)


async def connect(dsn: str) -> PooledConnection:
    """Connect within ``CONNECT_TIMEOUT_S``. Raises the driver's errors, and ``TimeoutError``."""
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        connection: PooledConnection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_S,
            statement_cache_size=_PREPARED,
            connection_class=PooledConnection,
            server_settings=SERVER_SETTINGS,
        )
        try:
            connection.set_keepalive()
            await _prepare(connection)
        except BaseException:
            connection.terminate()
            raise
    return connection


async def _prepare(connection: PooledConnection) -> None:
    """Set the JSON codec: columns are read as values, and SQLAlchemy's types write text."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=str, decoder=json.loads, format="text"
        )
    with contextlib.suppress(asyncpg.PostgresError):  # Servers on some systems do not support this.
        await connection.execute(_DETECT_LOST_CLIENTS)
