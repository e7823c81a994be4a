"""The models of the comparison, as ../finale/library.js has them in Sequelize.

That a row's end sets foreign keys to null, or ends rows of a link table, is Sequelize's default; it
is said here.
"""

from sqlalchemy import Column, ForeignKey, String, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore.types import Timestamps


class Base(DeclarativeBase):
    """A metadata of its own, apart from the service's."""


class Numbered:
    """An id that is never given twice, as Sequelize's are not."""

    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own form

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


class Part(Timestamps, Numbered, Base):
    """The seed's part."""

    __tablename__ = "parts"

    part_number: Mapped[str | None] = mapped_column("partNumber", String(255))
    model_number: Mapped[str | None] = mapped_column("modelNumber", String(255))
    name: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)


class User(Timestamps, Numbered, Base):
    """Has many books and one profile."""

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(String(255), unique=True)
    email: Mapped[str | None] = mapped_column(String(255))
    age: Mapped[int | None]
    active: Mapped[bool | None]
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    profile: Mapped["Profile | None"] = relationship(back_populates="user")


class Profile(Numbered, Base):
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


class Book(Numbered, Base):
    """Belongs to an author, has many tags that have many books."""

    __tablename__ = "books"

    title: Mapped[str] = mapped_column(String(255))
    pages: Mapped[int | None]
    author_id: Mapped[int | None] = mapped_column(
        "authorId", ForeignKey("users.id", ondelete="SET NULL")
    )
    author: Mapped[User | None] = relationship(back_populates="books")
    tags: Mapped[list["Tag"]] = relationship(secondary=book_tags, back_populates="books")


class Tag(Numbered, Base):
    """Stands on many books."""

    __tablename__ = "tags"

    label: Mapped[str] = mapped_column(String(255))
    books: Mapped[list[Book]] = relationship(secondary=book_tags, back_populates="tags")


class Gadget(Numbered, Base):
    """For search, sort, hidden and read-only attributes; looked up by its name."""

    __tablename__ = "gadgets"

    name: Mapped[str] = mapped_column(String(255), unique=True)
    kind: Mapped[str | None] = mapped_column(String(255))
    secret: Mapped[str | None] = mapped_column(String(255))
    price: Mapped[int | None]
    owner: Mapped[str | None] = mapped_column(String(255))


class Item(Numbered, Base):
    """Has more rows than the largest page."""

    __tablename__ = "items"

    label: Mapped[str | None] = mapped_column(String(255))


class Reading(Numbered, Base):
    """Has no text, and a column called like a parameter."""

    __tablename__ = "readings"

    value: Mapped[int | None]
    page: Mapped[int | None]


class Note(Numbered, Base):
    """For hooks."""

    __tablename__ = "notes"

    text: Mapped[str] = mapped_column(String(255))
    owner: Mapped[str | None] = mapped_column(String(255))
