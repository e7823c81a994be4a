"""The secret key of a service, from which each part that needs a key derives its own.

The secret is a setting, or it is stored in the database (``StoredSecret``), so that all workers and
hosts of a service share it; otherwise it is random and valid in one process. Keys are derived by
HKDF (RFC 5869), one for each purpose, so that nothing made for one purpose is valid for another.
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

MIN_SECRET_BYTES: Final = 32
"""The minimum length of a secret, in bytes."""

_RANDOM_BYTES: Final = 32
_RETRY_SECONDS: Final = 5.0
_NAME: Final = "service"

_log: Final = structlog.get_logger("encore.secret_key")


class Secret:
    """A secret key.

    Args:
        value: The secret, at least 32 bytes; None for a random one, valid in this process only.

    Attributes:
        loaded: Whether the secret is final; otherwise ``load`` must be called.

    Raises:
        ValueError: The secret is too short.
    """

    def __init__(self, value: bytes | None = None) -> None:
        if value is not None and len(value) < MIN_SECRET_BYTES:
            raise ValueError(f"must be at least {MIN_SECRET_BYTES} bytes long, and hard to guess")
        self._value = value or secrets.token_bytes(_RANDOM_BYTES)
        self.loaded = True

    def derive(self, purpose: str, size: int) -> bytes:
        """Return the key for a purpose, ``size`` bytes long."""
        return HKDF(SHA256(), size, salt=None, info=purpose.encode()).derive(self._value)

    async def load(self) -> None:
        """Load the secret if it is stored; never raises."""


def parse_secret(raw: "Secret | str | bytes | None") -> Secret:
    """Return the secret for the value of an option; a random one for None.

    Raises:
        TypeError: The value has another type.
        ValueError: The secret is too short.
    """
    if raw is not None and not isinstance(raw, Secret | str | bytes):
        raise TypeError(f"must be a string, bytes or a Secret, not {type(raw).__name__}")
    if isinstance(raw, Secret):
        return raw
    return Secret(raw.encode() if isinstance(raw, str) else raw)


class StoredSecret(Secret):
    """A secret that is stored in the database; the first process that needs it creates it.

    Until it is loaded, the secret is random: keys derived from it are valid in this process only,
    and become invalid when the stored secret is loaded.

    Args:
        database: The database, with the table ``encore.database.tables.secrets``.
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
        """Read the secret, or create it; after a failure, wait some seconds before trying again."""
        async with self._loading:
            if self.loaded or time.monotonic() < self._next_try:
                return
            try:
                self._value = await self._read() or await self._create()
            except DatabaseError as error:
                self._next_try = time.monotonic() + _RETRY_SECONDS
                _log.warning("secret not loaded", error=type(error).__name__)
            else:
                self.loaded = True

    async def _read(self) -> bytes | None:
        async with self._database.reading() as connection:
            row = await connection.fetch_one(self._find, (_NAME,))
        return None if row is None else bytes(row[0])

    async def _create(self) -> bytes:
        """Store a new secret and return it, or the one that another process has just stored."""
        value = secrets.token_bytes(_RANDOM_BYTES)
        timestamp: Any = now()
        if self._bind_timestamp is not None:
            timestamp = self._bind_timestamp(timestamp)
        try:
            async with self._database.writing(single=True) as connection:
                await connection.fetch_all(self._insert, (_NAME, value, timestamp))
        except DatabaseError:
            stored = await self._read()
            if stored is None:
                raise
            return stored
        return value
