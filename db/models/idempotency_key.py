"""Answers by idempotency key (draft-ietf-httpapi-idempotency-key-header), kept for retries."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base
from encore.types import UtcDateTime, now


class IdempotencyKey(Base):
    """One request that was carried out, in the transaction that carried it out.

    ``fingerprint`` is the SHA-256 of what was asked, in hexadecimal; ``answer`` is what was said,
    compressed by zlib.
    """

    __tablename__ = "idempotency_keys"

    client: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
