"""A depot's models: deliveries that come from other systems, and all that an upload meets."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore.database.tables import idempotency_keys
from encore.types import MANAGED, FixedDecimal, Timestamps, UtcDateTime


class DepotBase(DeclarativeBase):
    pass


class Site(DepotBase):
    __tablename__ = "sites"

    code: Mapped[str] = mapped_column(sa.String(10), primary_key=True)


class Delivery(Timestamps, DepotBase):
    __tablename__ = "deliveries"
    __table_args__ = (
        sa.CheckConstraint("weight > 0", name="weight"),
        sa.Index("uq_deliveries_origin", "origin", "number", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    goods: Mapped[str] = mapped_column(sa.String(20))
    weight: Mapped[Decimal] = mapped_column(FixedDecimal(scale=2))
    kind: Mapped[str] = mapped_column(
        sa.Enum("plain", "fragile", name="kind", native_enum=False, create_constraint=True),
        default="plain",
    )
    arrival: Mapped[datetime | None] = mapped_column(UtcDateTime)
    site: Mapped[str | None] = mapped_column(sa.ForeignKey("sites.code"))
    tag: Mapped[str | None] = mapped_column(unique=True)
    note: Mapped[str | None] = mapped_column("remark")
    status: Mapped[str] = mapped_column(default="open")
    locked: Mapped[bool] = mapped_column(default=False, info=MANAGED)
    rank: Mapped[int] = mapped_column(server_default="7")
    made_by: Mapped[str] = mapped_column("madeBy", sa.String(50))
    origin: Mapped[str | None] = mapped_column(sa.String(20))
    number: Mapped[str | None] = mapped_column(sa.String(20))
    secret: Mapped[str | None]


class Movement(DepotBase):
    """What a hook writes beside."""

    __tablename__ = "movements"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int]
    text: Mapped[str]


class Sample(DepotBase):
    """A column of every type."""

    __tablename__ = "samples"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    whole: Mapped[int | None]
    big: Mapped[int | None] = mapped_column(sa.BigInteger)
    real: Mapped[float | None] = mapped_column(sa.Double)
    amount: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    flag: Mapped[bool | None]
    day: Mapped[Any] = mapped_column(sa.Date, nullable=True)
    clock: Mapped[Any] = mapped_column(sa.Time, nullable=True)
    aware: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    moment: Mapped[datetime | None] = mapped_column(UtcDateTime)
    colour: Mapped[Any] = mapped_column(sa.Enum("red", "green", name="colour"), nullable=True)
    uid: Mapped[Any] = mapped_column(sa.Uuid, nullable=True)
    document: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    blob: Mapped[bytes | None] = mapped_column(sa.LargeBinary(8))


class Answered(DepotBase):
    """The library's table of idempotency keys."""

    __table__ = idempotency_keys.to_metadata(DepotBase.metadata)
