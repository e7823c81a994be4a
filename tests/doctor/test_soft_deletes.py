"""The doctor's checks of soft-deleted resources."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore.doctor.check_result import Status
from encore.doctor.soft_deletes import check_soft_deletes
from encore.types import UtcDateTime
from tests.fixtures.models import Serve


class Base(DeclarativeBase):
    pass


class Page(Base):
    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id"))


class Book(Base):
    __tablename__ = "books"
    __table_args__ = (
        sa.Index("ix_a", "a", unique=True, sqlite_where=sa.text("x")),
        sa.Index("ix_b", "b", "a", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    a: Mapped[str]
    b: Mapped[str]
    code: Mapped[str] = mapped_column(unique=True)
    deletedAt: Mapped[datetime | None] = mapped_column(UtcDateTime)  # noqa: N815 - the name in JSON
    pages: Mapped[list[Page]] = relationship(cascade="all, delete-orphan")


def test_cascades_and_unique_keys_of_soft_deleted_rows_are_reported(serve: Serve) -> None:
    api = serve(sa.MetaData())
    access = {"restore": ["library"]}
    resource = api.crud.resource(Book, soft_delete="deletedAt", access=access)
    failed, *notes = check_soft_deletes([resource])
    assert failed.status is Status.FAILED
    assert "'pages'" in failed.message
    assert [(one.status, one.subject, one.message.partition(" must")[0]) for one in notes] == [
        (Status.NOTE, "table books", "code"),
        (Status.NOTE, "table books", "b, a"),
    ]
