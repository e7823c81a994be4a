"""The tables that the library itself needs, in every service's database.

``metadata`` holds them: give it to Alembic beside the service's own
(``target_metadata=[Base.metadata, encore.metadata]``), and to ``create_all``. Constraints are named
explicitly, so that no naming convention of a service changes them.
"""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, MetaData, PrimaryKeyConstraint, String, Table

from encore.types import UtcDateTime

metadata: Final = MetaData()

secrets: Final = Table(
    "secrets",
    metadata,
    Column("name", String(64), nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("name", name="pk_secrets"),
)
"""Random secrets, each created by the first process that needs it (``encore.secret_key``)."""

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("client", String(255), nullable=False),
    Column("key", String(255), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("answer", LargeBinary),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("client", "key", name="pk_idempotency_keys"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
"""Responses by idempotency key, each written in the transaction of its request.

``client`` is the SHA-256 of caller, method and path, ``fingerprint`` that of the request, both in
hexadecimal; ``answer`` is the response (``encore.idempotency``).
"""
