"""What every model inherits: the declarative base, and the two timestamps Sequelize keeps.

A model names its columns once: the first argument of ``mapped_column`` is the name in the database
*and* in JSON, the Python attribute is snake_case.
"""

from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from db.types import UtcDateTime

# Stable names, so that a migration can name what it drops and an error the column it is about.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

MANAGED = {"managed": True}
"""``Column.info`` of a column that the service alone writes: a client's value is ignored."""


def now() -> datetime:
    """Give the present in UTC, in whole milliseconds: what JSON shows is what is stored."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Base(DeclarativeBase):
    """The declarative base; its metadata is what Alembic compares the database with."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING_CONVENTION)


class Timestamps:
    """``createdAt`` and ``updatedAt``, written by the service as Sequelize does."""

    created_at: Mapped[datetime] = mapped_column(
        "createdAt", UtcDateTime, default=now, info=MANAGED, sort_order=1000
    )
    updated_at: Mapped[datetime] = mapped_column(
        "updatedAt", UtcDateTime, default=now, onupdate=now, info=MANAGED, sort_order=1001
    )
