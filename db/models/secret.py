"""The service's secret, where no setting gives one (``encore.secret_key``)."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base
from encore.types import UtcDateTime, now


class SecretKey(Base):
    """A secret of random bytes, made once by the first process that needs it."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
