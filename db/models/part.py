"""A part of the catalog, like the ``Part`` model in the Okta seed's ``database.js``."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base
from encore.types import Timestamps


class Part(Timestamps, Base):
    """A part. Ids are never reused (``AUTOINCREMENT``), as in Sequelize."""

    __tablename__ = "parts"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own form

    id: Mapped[int] = mapped_column(primary_key=True)
    part_number: Mapped[str | None] = mapped_column(
        "partNumber", String(255), info={"example": "AB-100"}
    )
    model_number: Mapped[str | None] = mapped_column(
        "modelNumber", String(255), info={"example": "608"}
    )
    name: Mapped[str | None] = mapped_column(String(255), info={"example": "Ball bearing"})
    description: Mapped[str | None] = mapped_column(Text, info={"example": "Steel, 8 mm"})
