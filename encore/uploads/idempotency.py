"""Idempotency keys: the answer that a request got, kept for when it is sent again.

After draft-ietf-httpapi-idempotency-key-header. The key is written in the transaction that writes
the rows, so that there is never one without the other.
"""

import zlib
from dataclasses import dataclass
from datetime import timedelta
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

KEPT: Final = timedelta(hours=24)
"""How long an answer is kept."""

_REPLAYED: Final = (b"idempotency-replayed", b"true")
_LONGEST_CLIENT: Final = 255


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """One request with an idempotency key.

    Attributes:
        client: Whose key it is: each client has its own.
        key: As sent.
        fingerprint: The SHA-256 of path, query and body, in hexadecimal.
    """

    client: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, context: UploadContext, body: SpooledBody, path: str) -> "IdempotentRequest | None":
        """Make it of a request; None if that has no key."""
        request = context.request
        if request.key is None:
            return None
        client = context.state.client_id or str(context.claims.get("sub", ""))
        target = path.encode() + b"?" + request.query
        fingerprint = sha256(target + b"\n" + body.digest.digest()).hexdigest()
        return cls(client[:_LONGEST_CLIENT], request.key, fingerprint)


class IdempotencyKeys:
    """The keys of all clients.

    Args:
        dialect: What to compile for.
    """

    def __init__(self, dialect: Dialect) -> None:
        table = idempotency_keys
        columns = table.columns
        written = [columns[n] for n in ("client", "key", "fingerprint", "answer", "created_at")]
        self._moment = columns["created_at"].type.dialect_impl(dialect).bind_processor(dialect)
        values = {column: param(place, column.type) for place, column in enumerate(written)}
        client, key, fingerprint, answer, created_at = written
        since = param(2, created_at.type)
        self._insert = Statement(insert(table).values(values), dialect)
        self._find = Statement(
            select(fingerprint, answer).where(
                client == values[client], key == values[key], created_at > since
            ),
            dialect,
        )
        self._expire = Statement(
            delete(table).where(created_at <= param(0, created_at.type)), dialect
        )

    async def find(
        self, connection: Connection, ticket: IdempotentRequest
    ) -> UploadResponse | None:
        """Give the answer that this request got before; None if it is new.

        Raises:
            IdempotencyKeyReused: Another request has used the key.
        """
        values = (ticket.client, ticket.key, self._bound(now() - KEPT))
        row = await connection.fetch_one(self._find, values)
        if row is None:
            return None
        if row[0] != ticket.fingerprint:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another request")
        status, headers, body = msgspec.msgpack.decode(zlib.decompress(row[1]))
        return UploadResponse(status, body, [*map(tuple, headers), _REPLAYED])

    async def keep(
        self, connection: Connection, ticket: IdempotentRequest, answer: UploadResponse
    ) -> None:
        """Keep an answer, and forget those that are too old."""
        moment = now()
        await connection.fetch_all(self._expire, (self._bound(moment - KEPT),))
        said = (answer.status, answer.headers, answer.content())
        kept = zlib.compress(msgspec.msgpack.encode(said), 1)
        values = (ticket.client, ticket.key, ticket.fingerprint, kept, self._bound(moment))
        await connection.fetch_all(self._insert, values)

    def _bound(self, moment: Any) -> Any:
        return moment if self._moment is None else self._moment(moment)
