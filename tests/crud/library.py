"""A library's models: every kind of relation, of key and of column, on a base of their own."""

import enum
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore.types import Timestamps, UtcDateTime, now


class LibraryBase(DeclarativeBase):
    pass


book_tags = sa.Table(
    "book_tags",
    LibraryBase.metadata,
    sa.Column("bookId", sa.ForeignKey("books.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tagId", sa.ForeignKey("tags.id"), primary_key=True),
    sa.Column("addedAt", UtcDateTime, nullable=False, default=now),
)


class User(Timestamps, LibraryBase):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column("firstName", sa.String(50))
    email: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    secret: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    age: Mapped[int | None] = mapped_column(sa.CheckConstraint("age >= 0", name="age_is_natural"))
    rank: Mapped[int] = mapped_column(server_default="7")
    books: Mapped[list["Book"]] = relationship(back_populates="author", order_by="Book.title")
    profile: Mapped["Profile | None"] = relationship(back_populates="user")


class Profile(Timestamps, LibraryBase):
    __tablename__ = "profiles"

    id: Mapped[int] = mapped_column(primary_key=True)
    nickname: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column("userId", sa.ForeignKey("users.id"), unique=True)
    user: Mapped[User | None] = relationship(back_populates="profile")


class Book(Timestamps, LibraryBase):
    __tablename__ = "books"
    __table_args__ = (sa.CheckConstraint("pages > 0"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    isbn: Mapped[str | None] = mapped_column(unique=True)
    pages: Mapped[int | None]
    author_id: Mapped[int | None] = mapped_column("authorId", sa.ForeignKey("users.id"))
    author: Mapped[User | None] = relationship(back_populates="books")
    tags: Mapped[list["Tag"]] = relationship(secondary=book_tags, back_populates="books")


class Tag(LibraryBase):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(secondary=book_tags, back_populates="tags")


class Node(LibraryBase):
    __tablename__ = "nodes"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column("parentId", sa.ForeignKey("nodes.id"))
    parent: Mapped["Node | None"] = relationship(back_populates="children", remote_side="Node.id")
    children: Mapped[list["Node"]] = relationship(back_populates="parent")


class Country(LibraryBase):
    __tablename__ = "countries"

    code: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Token(LibraryBase):
    __tablename__ = "tokens"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    note: Mapped[str | None]


class Seat(LibraryBase):
    __tablename__ = "seats"

    line: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note: Mapped[str | None]
    tickets: Mapped[list["Ticket"]] = relationship(back_populates="seat")


class Ticket(LibraryBase):
    __tablename__ = "tickets"
    __table_args__ = (
        sa.ForeignKeyConstraint(["seatLine", "seatNumber"], ["seats.line", "seats.number"]),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    seat_line: Mapped[str | None] = mapped_column("seatLine", sa.String(10))
    seat_number: Mapped[int | None] = mapped_column("seatNumber")
    seat: Mapped[Seat | None] = relationship(back_populates="tickets")


class Shelf(LibraryBase):
    """Found by another unique key; what refers to it is no relationship of the ORM's."""

    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)


class Copy(LibraryBase):
    __tablename__ = "copies"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column("shelfId", sa.ForeignKey("shelves.id"))


class Loan(LibraryBase):
    """Its key holds its parent's, under the very name that a nested path would give it."""

    __tablename__ = "loans"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user: Mapped[User] = relationship(backref="loans")


class Colour(enum.Enum):
    red = "r"
    green = "g"


class Kind(LibraryBase):
    """A column of every type."""

    __tablename__ = "kinds"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None] = mapped_column(sa.Text)
    short: Mapped[str | None] = mapped_column(sa.String(5))
    whole: Mapped[int | None] = mapped_column(sa.Integer)
    big: Mapped[int | None] = mapped_column(sa.BigInteger)
    real: Mapped[float | None] = mapped_column(sa.Double)
    amount: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    ratio: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    flag: Mapped[bool | None]
    day: Mapped[date | None]
    clock: Mapped[time | None]
    naive: Mapped[datetime | None] = mapped_column(sa.DateTime)
    aware: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    moment: Mapped[datetime | None] = mapped_column(UtcDateTime)
    colour: Mapped[Colour | None]
    letter: Mapped[Colour | None] = mapped_column(
        sa.Enum(Colour, name="letter", values_callable=lambda kind: [c.value for c in kind])
    )
    uid: Mapped[uuid.UUID | None]
    uid_text: Mapped[str | None] = mapped_column("uidText", sa.Uuid(as_uuid=False))
    document: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    blob: Mapped[bytes | None] = mapped_column(sa.LargeBinary(8))


class Odd(LibraryBase):
    """Columns called as parameters, slots and methods are; defaults that only SQL knows."""

    __tablename__ = "odds"

    id: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int | None]
    q: Mapped[str | None]
    sort: Mapped[str | None]
    v0: Mapped[str | None]
    schema_: Mapped[str | None] = mapped_column("schema")
    made: Mapped[int] = mapped_column(default=sa.text("40 + 2"))
    changes: Mapped[int] = mapped_column(default=0, onupdate=sa.text("changes + 1"))
