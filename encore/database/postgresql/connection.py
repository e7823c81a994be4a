"""One connection of the pool: how it is made, its transaction, and whether it may be used again.

A connection is clean when nothing runs on it and no transaction is open. ``started`` is cleared
only by an answer of the server: a statement that was cancelled leaves it set, so the pool knows.
"""

import asyncio
import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg

from encore.database.errors import DatabaseBusy, DatabaseError, OutcomeUnknown, RolledBack
from encore.database.postgresql.error_mapping import translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from encore.database.statement import Statement

CONNECT_TIMEOUT_S: Final = 4.0
STATEMENT_TIMEOUT_MS: Final = 9_000
"""The server's limit; below the watchdog's own, so that an answer tells which of them ended it."""

STATEMENT_TIMEOUT_TICKS: Final = 33
"""The watchdog's ticks that certainly go by before the server's limit."""

LOCK_TIMEOUT_MS: Final = 5_000
_PREPARED: Final = 512

SERVER_SETTINGS: Final = {
    "application_name": "encore",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": "600000",
    "timezone": "UTC",
    # The server's side of the same limits: it undoes the transaction of a client it cannot reach.
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
_NOTICE_LOST_CLIENTS: Final = "SELECT set_config('client_connection_check_interval', '1000', false)"
"""Have a running statement end within a second once its client has closed the connection."""


class OperationMonitor(Protocol):
    """What a connection asks of the pool's watchdog.

    Attributes:
        tick: How many ticks have gone by; never 0.
    """

    tick: int

    def admit(self, statement: "Statement") -> None:
        """Let a statement run that was slow lately. Raise ``DatabaseBusy`` if too many are."""
        ...

    def forget_statements(self) -> None:
        """Have every connection prepare its statements again: a table has changed."""
        ...

    def on_failover(self) -> None:
        """Have idle connections replaced, at intervals: new ones may find the primary."""
        ...


class PooledConnection(asyncpg.Connection):  # type: ignore[misc] # asyncpg is untyped
    """A connection that belongs to a pool.

    Attributes:
        watchdog: Ends what takes too long.
        slot: Its number in the pool.
        started: The watchdog's tick at which the running operation began; 0 when none runs.
        statement: The statement that is running, or ran last.
        task: Who waits for the statement's rows; None where nobody does.
        on_tick: Called by the watchdog while a statement runs for a session that only reads.
        is_patient: Whether operations may take any time, as those of bulk work do.
        is_reusable: Whether it may go back to the pool; what makes it unfit says so here.
    """

    __slots__ = (
        "_seen",
        "is_patient",
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
        _top_xact: Any  # A slot of asyncpg's: the outermost transaction.

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.started = 0
        self.statement: Statement | None = None
        self.task: asyncio.Task[Any] | None = None
        self.on_tick: Callable[[], None] | None = None
        self.is_patient = False
        self.is_reusable = True
        self._seen = 0

    async def plan_and_fetch(self, sql: str, *values: Any) -> list[Any]:
        """Run a statement that the server plans for these values, and return its rows.

        A named prepared statement may get a plan for any values; one without a name never does.
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

    async def begin(self, *, readonly: bool = False) -> None:
        """Begin a transaction; asyncpg's own inside of it become savepoints."""
        await self._command("BEGIN READ ONLY" if readonly else "BEGIN")
        self._top_xact = self.transaction()

    async def commit(self) -> None:
        """Commit.

        Raises:
            OutcomeUnknown: The connection broke before the server answered.
            RolledBack: A statement had failed, so the server has rolled back.
            DatabaseError: The server refused; nothing is changed.
        """
        self._top_xact = None
        try:
            tag = await self._command("COMMIT")
        except Exception as error:
            raise outcome_unknown(error) or translate(error) from error
        if tag != "COMMIT":
            raise RolledBack("a statement of the transaction had failed", code="25P02")

    async def rollback(self) -> None:
        """Roll back. If that fails the connection is not used again: closing it rolls back too."""
        self._top_xact = None
        self.is_patient = False
        try:
            await self._command("ROLLBACK")
        except Exception:  # noqa: BLE001 - whatever it is, the outcome is the same
            self.is_reusable = False

    async def _command(self, sql: str) -> str:
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
        """Return our error for a statement's, noting that the statement has ended."""
        started, self.started = self.started, 0
        ticks = self.watchdog.tick - started
        match error:
            case asyncpg.QueryCanceledError() if ticks < STATEMENT_TIMEOUT_TICKS:
                return DatabaseBusy("ended to make room for others", code=error.sqlstate)
            case asyncpg.ReadOnlySQLTransactionError() if self._is_demoted:
                self.is_reusable = False
                self.watchdog.on_failover()
            case _ if type(error) is asyncpg.InterfaceError:  # Misused: something may be running.
                self.is_reusable = False
        return translate(error)

    def _drop_global_statement_cache(self) -> None:
        """Forget the prepared statements of all connections: asyncpg found that a table changed."""
        self.watchdog.forget_statements()

    @property
    def _is_demoted(self) -> bool:
        """Whether the server is a standby, or takes no changes by default (since version 14)."""
        settings = self.get_settings()
        names = ("in_hot_standby", "default_transaction_read_only")
        return any(getattr(settings, name, "off") == "on" for name in names)

    def note_progress(self, tick: int) -> None:
        """Count the silence of the running operation anew if it has sent a statement since."""
        protocol = self._protocol
        if protocol is not None and protocol.queries_count != self._seen:
            self._seen = protocol.queries_count
            self.started = tick

    def keep_alive(self) -> None:
        """Have the kernel notice a lost peer: one that acknowledges nothing for 8 to 9 seconds."""
        handle = self._transport.get_extra_info("socket")
        if handle is None or handle.family not in (socket.AF_INET, socket.AF_INET6):
            return
        for level, name, value in _SOCKET_OPTIONS:
            if hasattr(socket, name):  # Not every system has all of them.
                handle.setsockopt(level, getattr(socket, name), value)


def outcome_unknown(error: Exception) -> OutcomeUnknown | None:
    """Return our error for that of a statement that commits, if it may have committed."""
    if not isinstance(error, asyncpg.ConnectionDoesNotExistError):  # Closed in the middle of it.
        return None
    code = getattr(error.__cause__, "sqlstate", None) or error.sqlstate
    return OutcomeUnknown(f"{type(error).__name__}: {error}", code=code)


async def connect(dsn: str) -> PooledConnection:
    """Connect within ``CONNECT_TIMEOUT_S``; raise the driver's error, or ``TimeoutError``."""
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        connection: PooledConnection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_S,
            statement_cache_size=_PREPARED,
            connection_class=PooledConnection,
            server_settings=SERVER_SETTINGS,
        )
        try:
            connection.keep_alive()
            await _prepare(connection)
        except BaseException:
            connection.terminate()
            raise
    return connection


async def _prepare(connection: PooledConnection) -> None:
    """Have JSON columns come as values; SQLAlchemy's types hand them over as text."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=str, decoder=json.loads, format="text"
        )
    with contextlib.suppress(asyncpg.PostgresError):  # Not every system's server can do this.
        await connection.execute(_NOTICE_LOST_CLIENTS)
