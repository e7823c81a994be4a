"""The service's secret, from which every part that needs a key derives one of its own.

It is given (a setting), or kept in the database, so that all workers and hosts of a service have
the same; or else it is random and ends with the process. Keys are derived by HKDF (RFC 5869), one
for each purpose, so that nothing made for one purpose is valid for another.
"""

import asyncio
import secrets
import time
from typing import Any, Final

import structlog
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import insert, select

from encore.database.errors import DatabaseError
from encore.database.protocol import Database
from encore.database.statement import Statement, param
from encore.database.tables import secrets as secrets_table
from encore.types import now

SHORTEST: Final = 32
"""The shortest secret that may be given, in bytes."""

_RANDOM_BYTES: Final = 32
_RETRY_SECONDS: Final = 5.0
_NAME: Final = "service"

log: Any = structlog.get_logger("encore.secret_key")


class Secret:
    """A secret of this process, or one that is given.

    Args:
        value: The secret, of at least 32 bytes; random if None, and then of this process only.

    Attributes:
        loaded: Whether the secret is what it will be; otherwise ``load`` is to be called.
    """

    def __init__(self, value: bytes | None = None) -> None:
        if value is not None and len(value) < SHORTEST:
            raise ValueError(f"must be at least {SHORTEST} bytes long, and hard to guess")
        self._value = value or secrets.token_bytes(_RANDOM_BYTES)
        self.loaded = True

    def derive(self, purpose: str, size: int) -> bytes:
        """Return the key of a purpose, of ``size`` bytes."""
        return HKDF(SHA256(), size, salt=None, info=purpose.encode()).derive(self._value)

    async def load(self) -> None:
        """Load the secret, if it is kept anywhere; never raises."""


def secret_of(given: "Secret | str | bytes | None") -> Secret:
    """Return the secret that is meant; a new one for None.

    Raises:
        TypeError: What is given is none of these.
        ValueError: It is too short.
    """
    if given is not None and not isinstance(given, Secret | str | bytes):
        raise TypeError(f"must be text, bytes or a Secret, not {type(given).__name__}")
    if isinstance(given, Secret):
        return given
    return Secret(given.encode() if isinstance(given, str) else given)


class StoredSecret(Secret):
    """The secret that a database keeps; the first process that looks for it makes it.

    Until it can be read there is one of this process's own: what is derived from that is valid
    nowhere else, and ends when the stored one is loaded.

    Args:
        database: Keeps it, in the table ``encore.database.tables.secrets``.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        columns = secrets_table.columns
        name, value, created_at = columns["name"], columns["value"], columns["created_at"]
        dialect = database.dialect
        self._database = database
        self._bind_timestamp = created_at.type.dialect_impl(dialect).bind_processor(dialect)
        written = (name, value, created_at)
        values = {column: param(place, column.type) for place, column in enumerate(written)}
        self._insert = Statement(insert(secrets_table).values(values), dialect)
        self._find = Statement(select(value).where(name == param(0, name.type)), dialect)
        self._loading = asyncio.Lock()
        self._next_try = 0.0
        self.loaded = False

    async def load(self) -> None:
        """Read the secret, or make it; after a failure not again within seconds."""
        async with self._loading:
            if self.loaded or time.monotonic() < self._next_try:
                return
            try:
                self._value = await self._read() or await self._make()
            except DatabaseError as error:
                self._next_try = time.monotonic() + _RETRY_SECONDS
                log.warning("secret not loaded", error=type(error).__name__)
            else:
                self.loaded = True

    async def _read(self) -> bytes | None:
        async with self._database.reading() as connection:
            row = await connection.fetch_one(self._find, (_NAME,))
        return None if row is None else bytes(row[0])

    async def _make(self) -> bytes:
        """Store a new secret; another process may have been faster, then return its."""
        made = secrets.token_bytes(_RANDOM_BYTES)
        timestamp: Any = now()
        if self._bind_timestamp is not None:
            timestamp = self._bind_timestamp(timestamp)
        try:
            async with self._database.writing(single=True) as connection:
                await connection.fetch_all(self._insert, (_NAME, made, timestamp))
        except DatabaseError:
            stored = await self._read()
            if stored is None:
                raise
            return stored
        return made
