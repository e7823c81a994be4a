"""The SQLAlchemy models; finale/models.js has the same in Sequelize.

``ON DELETE SET NULL``, and CASCADE in the association table, are Sequelize's defaults.
"""

from sqlalchemy import Column, ForeignKey, String, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore.types import Timestamps


class Base(DeclarativeBase):
    """Declarative base, separate from the service's."""


class AutoincrementId:
    """An AUTOINCREMENT id: never reused, as Sequelize's."""

    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - the form that SQLAlchemy documents

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


class Part(Timestamps, AutoincrementId, Base):
    """The part of the Okta sample."""

    __tablename__ = "parts"

    part_number: Mapped[str | None] = mapped_column("partNumber", String(255))
    model_number: Mapped[str | None] = mapped_column("modelNumber", String(255))
    name: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)


class User(Timestamps, AutoincrementId, Base):
    """Has many books and one profile."""

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(String(255), unique=True)
    email: Mapped[str | None] = mapped_column(String(255))
    age: Mapped[int | None]
    active: Mapped[bool | None]
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    profile: Mapped["Profile | None"] = relationship(back_populates="user")


class Profile(AutoincrementId, Base):
    """Belongs to one user."""

    __tablename__ = "profiles"

    nickname: Mapped[str | None] = mapped_column(String(255))
    user_id: Mapped[int | None] = mapped_column(
        "userId", ForeignKey("users.id", ondelete="SET NULL")
    )
    user: Mapped[User | None] = relationship(back_populates="profile")


book_tags = Table(
    "book_tags",
    Base.metadata,
    Column("bookId", ForeignKey("books.id", ondelete="CASCADE"), primary_key=True),
    Column("tagId", ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True),
)


class Book(AutoincrementId, Base):
    """Belongs to an author; many-to-many with tags."""

    __tablename__ = "books"

    title: Mapped[str] = mapped_column(String(255))
    pages: Mapped[int | None]
    author_id: Mapped[int | None] = mapped_column(
        "authorId", ForeignKey("users.id", ondelete="SET NULL")
    )
    author: Mapped[User | None] = relationship(back_populates="books")
    tags: Mapped[list["Tag"]] = relationship(secondary=book_tags, back_populates="books")


class Tag(AutoincrementId, Base):
    """Belongs to many books."""

    __tablename__ = "tags"

    label: Mapped[str] = mapped_column(String(255))
    books: Mapped[list[Book]] = relationship(secondary=book_tags, back_populates="tags")


class Gadget(AutoincrementId, Base):
    """For search, sort, excluded and read-only attributes; its path key is its name."""

    __tablename__ = "gadgets"

    name: Mapped[str] = mapped_column(String(255), unique=True)
    kind: Mapped[str | None] = mapped_column(String(255))
    secret: Mapped[str | None] = mapped_column(String(255))
    price: Mapped[int | None]
    owner: Mapped[str | None] = mapped_column(String(255))


class Item(AutoincrementId, Base):
    """Has more rows than the largest page."""

    __tablename__ = "items"

    label: Mapped[str | None] = mapped_column(String(255))


class Reading(AutoincrementId, Base):
    """Has no text column, and one named like a query parameter."""

    __tablename__ = "readings"

    value: Mapped[int | None]
    page: Mapped[int | None]


class Note(AutoincrementId, Base):
    """For the hook cases."""

    __tablename__ = "notes"

    text: Mapped[str] = mapped_column(String(255))
    owner: Mapped[str | None] = mapped_column(String(255))
