"""Idempotency keys: responses stored for requests that are sent again.

After draft-ietf-httpapi-idempotency-key-header. The key is written in the transaction that writes
the rows, so neither is stored without the other.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Dialect, delete, insert, select

from encore.database.protocol import Connection
from encore.database.statement import Statement, param
from encore.database.tables import idempotency_keys
from encore.errors import IdempotencyKeyReused
from encore.types import now
from encore.uploads.hooks import UploadContext
from encore.uploads.request import SpooledBody
from encore.uploads.responses import UploadResponse

LIFETIME: Final = timedelta(hours=24)
"""How long a response is stored."""

_REPLAYED: Final = (b"idempotency-replayed", b"true")


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request with an idempotency key.

    Attributes:
        client: The SHA-256 of issuer, client and subject, in hexadecimal: the keys of two callers
            are independent.
        key: The key as sent.
        fingerprint: The SHA-256 of path, query and body, in hexadecimal.
    """

    client: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, context: UploadContext, body: SpooledBody, path: str) -> "IdempotentRequest | None":
        """Return the idempotent request; None if it has no key."""
        request = context.request
        if request.key is None:
            return None
        caller = msgspec.json.encode(context.state.principal.key)
        target = path.encode() + b"?" + request.query
        fingerprint = sha256(target + b"\n" + body.digest.digest()).hexdigest()
        return cls(sha256(caller).hexdigest(), request.key, fingerprint)


class IdempotencyKeys:
    """The stored idempotency keys of all clients.

    Args:
        dialect: The dialect to compile statements for.
    """

    def __init__(self, dialect: Dialect) -> None:
        table = idempotency_keys
        names = ("client", "key", "fingerprint", "answer", "created_at")
        client, key, fingerprint, response, created_at = columns = [table.c[n] for n in names]
        self._bind_timestamp = created_at.type.dialect_impl(dialect).bind_processor(dialect)
        values = {column: param(position, column.type) for position, column in enumerate(columns)}
        since = param(2, created_at.type)
        self._insert = Statement(insert(table).values(values), dialect)
        self._find = Statement(
            select(fingerprint, response).where(
                client == values[client], key == values[key], created_at > since
            ),
            dialect,
        )
        self._expire = Statement(
            delete(table).where(created_at <= param(0, created_at.type)), dialect
        )

    async def find(
        self, connection: Connection, request: IdempotentRequest
    ) -> UploadResponse | None:
        """Return the stored response to a request; None if it is new.

        Raises:
            IdempotencyKeyReused: The key was used for another request.
        """
        values = (request.client, request.key, self._driver_value(now() - LIFETIME))
        row = await connection.fetch_one(self._find, values)
        if row is None:
            return None
        fingerprint, stored = row
        if fingerprint != request.fingerprint:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another request")
        status, headers, body = msgspec.msgpack.decode(zlib.decompress(stored))
        return UploadResponse(status, body, [*map(tuple, headers), _REPLAYED])

    async def store(
        self, connection: Connection, request: IdempotentRequest, response: UploadResponse
    ) -> None:
        """Store a response, and delete expired ones."""
        timestamp = now()
        await connection.fetch_all(self._expire, (self._driver_value(timestamp - LIFETIME),))
        content = (response.status, response.headers, response.read_body())
        stored = zlib.compress(msgspec.msgpack.encode(content), 1)
        values = (request.client, request.key, request.fingerprint, stored)
        await connection.fetch_all(self._insert, (*values, self._driver_value(timestamp)))

    def _driver_value(self, timestamp: datetime) -> Any:
        return timestamp if self._bind_timestamp is None else self._bind_timestamp(timestamp)
