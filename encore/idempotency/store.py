"""The stored responses: one row for each key, written in the transaction of its request.

On PostgreSQL the row is inserted first, without a response: a twin in another process waits for the
unique key until the first is committed or rolled back. On SQLite a transaction that writes has
locked the database, so that the key is looked up first, and the row is written once, at the end.
"""

import asyncio
from datetime import datetime, timedelta
from time import time
from typing import Any, Final

from sqlalchemy import Dialect, delete, select, tuple_, update

from encore.database.capabilities import capabilities_of
from encore.database.errors import (
    DatabaseUnavailable,
    InvalidStatement,
    PermissionDenied,
    StatementTimeout,
)
from encore.database.expressions.insertion import insert_on_conflict
from encore.database.protocol import Connection
from encore.database.statement import Statement, param
from encore.database.tables import idempotency_keys
from encore.errors import IdempotencyKeyInUse, ServiceUnavailable
from encore.idempotency.fingerprint import IdempotentRequest, reused
from encore.idempotency.in_progress import InProgress
from encore.idempotency.response import (
    IN_THREAD_BYTES,
    StoredResponse,
    decode_response,
    encode_response,
)
from encore.types import now

DEFAULT_HOURS: Final = 24
"""How long a response is stored, in hours."""

_WRITES_PER_PURGE: Final = 64
_PURGED_ROWS: Final = 4 * _WRITES_PER_PURGE
"""How many expired rows are deleted at a time: more than are written in between."""

_LOCK_TIMEOUT: Final = "55P03"
"""PostgreSQL's code of a lock that was not available in time."""

_TABLE_ERRORS: Final = (InvalidStatement, PermissionDenied)
_CLAIM_ATTEMPTS: Final = 3


class IdempotencyKeys:
    """The stored responses of all callers.

    Args:
        dialect: The dialect to compile statements for.
        hours: How long a response is stored.

    Attributes:
        in_progress: The requests of this process.
    """

    def __init__(self, dialect: Dialect, *, hours: int = DEFAULT_HOURS) -> None:
        table = idempotency_keys
        names = ("client", "key", "fingerprint", "answer", "created_at")
        columns = [table.c[name] for name in names]
        owner, key, fingerprint, response, created_at = columns
        values = {column: param(position, column.type) for position, column in enumerate(columns)}
        same = (owner == values[owner], key == values[key])
        insert = insert_on_conflict(table, dialect)
        self.in_progress = InProgress()
        self._lifetime = timedelta(hours=hours)
        self._bind_timestamp = created_at.type.dialect_impl(dialect).bind_processor(dialect)
        self._claims_first = capabilities_of(dialect).row_locks
        self._second, self._timestamp_of_second = 0, None
        self._writes = _WRITES_PER_PURGE  # The first one purges.
        self._find = Statement(select(fingerprint, response, created_at).where(*same), dialect)
        claimed = {**values, response: None}
        self._claim = Statement(
            insert.values(claimed).on_conflict_do_nothing().returning(owner), dialect
        )
        self._take_over = Statement(
            update(table)
            .values({column: claimed[column] for column in columns[2:]})
            .where(*same, created_at <= param(5, created_at.type))
            .returning(owner),
            dialect,
        )
        self._put = Statement(
            insert.values(values).on_conflict_do_update(
                index_elements=[owner, key],
                set_={c.name: insert.excluded[c.name] for c in columns[2:]},
            ),
            dialect,
        )
        self._release = Statement(delete(table).where(*same), dialect)
        expired = (
            select(owner, key)
            .where(created_at <= param(0, created_at.type))
            .order_by(created_at)
            .limit(_PURGED_ROWS)
            .with_for_update(skip_locked=True)
        )
        self._purge = Statement(delete(table).where(tuple_(owner, key).in_(expired)), dialect)

    async def find(
        self, connection: Connection, request: IdempotentRequest
    ) -> StoredResponse | None:
        """Return the stored response to a request; None if it is new.

        Raises:
            IdempotencyKeyReused: The key was used for another request.
            ServiceUnavailable: The table is missing.
        """
        try:
            row = await connection.fetch_one(self._find, (request.owner, request.key))
        except _TABLE_ERRORS as error:
            raise _missing_table() from error
        if row is None:
            return None
        fingerprint, stored, created_at = row
        if created_at <= self._timestamp(now() - self._lifetime):
            return None
        if fingerprint != request.fingerprint:
            raise reused()
        if len(stored) < IN_THREAD_BYTES:
            return decode_response(stored)
        return await asyncio.to_thread(decode_response, stored)

    async def claim(
        self, connection: Connection, request: IdempotentRequest
    ) -> StoredResponse | None:
        """Claim a key as the first statement of a transaction that writes.

        Returns:
            The stored response; None if the request is to be carried out, and its response stored.

        Raises:
            IdempotencyKeyReused: The key was used for another request.
            IdempotencyKeyInUse: A request with the key is in progress for too long.
            ServiceUnavailable: The table is missing.
        """
        if not self._claims_first:
            return await self.find(connection, request)
        try:
            return await self._claim_row(connection, request)
        except _TABLE_ERRORS as error:
            raise _missing_table() from error
        except (DatabaseUnavailable, StatementTimeout) as error:
            if isinstance(error, StatementTimeout) or error.code == _LOCK_TIMEOUT:
                raise IdempotencyKeyInUse from error
            raise

    async def _claim_row(
        self, connection: Connection, request: IdempotentRequest
    ) -> StoredResponse | None:
        """Insert the row of a key, or take over an expired one; a twin's row is waited for."""
        for _ in range(_CLAIM_ATTEMPTS):
            timestamp = now()
            own = (request.owner, request.key, request.fingerprint, None)
            values = (*own, self._timestamp(timestamp))
            if await connection.fetch_one(self._claim, values):
                return None
            stored = await self.find(connection, request)
            if stored is not None:
                return stored
            since = self._timestamp(timestamp - self._lifetime)
            if await connection.fetch_one(self._take_over, (*values, since)):
                return None
            # Another request has taken over the expired key, or deleted it.
        raise IdempotencyKeyInUse

    async def store(
        self, connection: Connection, request: IdempotentRequest, response: StoredResponse
    ) -> None:
        """Store the response to a request, and delete some of the expired ones.

        Raises:
            BadRequest: The response is too large.
            ServiceUnavailable: The table is missing.
        """
        if len(response.body) < IN_THREAD_BYTES:
            stored = encode_response(response)
        else:
            stored = await asyncio.to_thread(encode_response, response)
        values = (*request, stored, self._now())
        try:
            await connection.fetch_all(self._put, values)
            self._writes += 1
            if self._writes > _WRITES_PER_PURGE:
                self._writes = 0
                expired = self._timestamp(now() - self._lifetime)
                await connection.fetch_all(self._purge, (expired,))
        except _TABLE_ERRORS as error:
            raise _missing_table() from error

    async def release(self, connection: Connection, request: IdempotentRequest) -> None:
        """Remove the claim of a request whose response is not stored."""
        if self._claims_first:
            await connection.fetch_all(self._release, (request.owner, request.key))

    def _now(self) -> Any:
        """Return the driver's value of now, in whole seconds; made once a second."""
        second = int(time())
        if second != self._second:
            self._second = second
            self._timestamp_of_second = self._timestamp(now().replace(microsecond=0))
        return self._timestamp_of_second

    def _timestamp(self, timestamp: datetime) -> Any:
        """Return the driver's value of a timestamp."""
        return timestamp if self._bind_timestamp is None else self._bind_timestamp(timestamp)


def _missing_table() -> ServiceUnavailable:
    """Return the error of a missing table, or of one that may not be written to."""
    return ServiceUnavailable(
        "Idempotency-Key is not available: the database lacks the table idempotency_keys of this"
        " service, or the right to write to it",
        reason="idempotency-keys-missing",
    )
