"""What ``Include`` says of related rows, and relations that are refused when a service starts."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, foreign, mapped_column, relationship

from encore import AssociationOptions, ConfigurationError, Crud, Include
from encore.database.factory import open_database
from encore.http.application import Application
from tests.fixtures.models import ModelApi, Serve


class ShelfBase(DeclarativeBase):
    pass


class Shelf(ShelfBase):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship(back_populates="shelf")


class Book(ShelfBase):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    draft: Mapped[bool]
    shelf_id: Mapped[int | None] = mapped_column(sa.ForeignKey("shelves.id"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="books")
    pages: Mapped[list["Page"]] = relationship(back_populates="book", order_by="Page.id.desc()")


class Page(ShelfBase):
    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int | None] = mapped_column(sa.ForeignKey("books.id"))
    book: Mapped[Book | None] = relationship(back_populates="pages")


@pytest.fixture
def shelves(serve: Serve) -> ModelApi:
    """Three shelves with 1,205, 120 and no books; the first book has 150 pages."""
    api = serve(ShelfBase.metadata)
    api.orm(_fill)
    return api


def _fill(session: Session) -> None:
    session.execute(sa.insert(Shelf), [{"id": n} for n in (1, 2, 3)])
    books = [
        {"title": f"b{n % 10}", "draft": n % 5 == 0, "shelf_id": 1 if n <= 1205 else 2}
        for n in range(1, 1326)
    ]
    session.execute(sa.insert(Book), books)
    session.execute(sa.insert(Page), [{"book_id": 1}] * 150 + [{"book_id": 2}])


def test_embedded_rows_over_limit_are_cut_and_counted(shelves: ModelApi) -> None:
    shelves.crud.resource(Shelf, include=[Include("books", include=["pages"])])
    shelves.crud.resource(Book, include=["shelf"])
    listed = shelves.read("/shelves")
    assert [len(row["books"]) for row in listed] == [100, 100, 0]
    assert [row.get("booksCount") for row in listed] == [1205, 120, None]
    first, second = listed[0]["books"][:2]
    assert (len(first["pages"]), first["pagesCount"]) == (100, 150)
    assert (len(second["pages"]), "pagesCount" in second) == (1, False)
    assert shelves.read("/shelves/1") == listed[0]
    assert shelves.read("/shelves/2") == listed[1]
    assert shelves.read("/shelves/2", fields="books") == {
        "books": listed[1]["books"],
        "booksCount": 120,
    }
    assert shelves.read("/shelves/2", fields="id") == {"id": 2}
    assert shelves.put("/shelves/2", {}).json() == listed[1]


def test_include_with_where_restricts_rows_on_every_path(shelves: ModelApi) -> None:
    shelves.crud.resource(
        Shelf,
        include=[
            Include("books", where=lambda: ~Book.draft, limit=3, order_by="-title,id"),
        ],
        associations=True,
    )
    row = shelves.read("/shelves/2")
    assert [book["title"] for book in row["books"]] == ["b9", "b9", "b9"]
    assert row["booksCount"] == 96
    nested = shelves.get("/shelves/2/books?count=3")
    assert nested.headers["content-range"] == "items 0-2/96"
    assert nested.json() == row["books"]
    drafts = [book for book in range(1206, 1326) if book % 5 == 0]
    assert shelves.get(f"/shelves/2/books/{drafts[0]}").status_code == 404
    assert shelves.get(f"/shelves/2/books/{drafts[0] + 1}").status_code == 200
    assert shelves.read("/shelves", **{"books.draft": "true"}) == []
    assert len(shelves.read("/shelves", **{"books.draft": "false"})) == 2
    assert [b["title"] for b in shelves.read("/shelves/2/books", sort="title", count=2)] == [
        "b1",
        "b1",
    ]


def test_include_with_where_restricts_relation_to_one(shelves: ModelApi) -> None:
    shelves.crud.resource(Book, include=[Include("shelf", where=Shelf.id > 1)])
    assert shelves.read("/books/1")["shelf"] is None
    assert shelves.read("/books/1300")["shelf"] == {"id": 2}
    assert shelves.read("/books", **{"shelf.id": 1}) == []


class OddBase(DeclarativeBase):
    pass


class Child(OddBase):
    __tablename__ = "children"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("parents.id"))
    tenant: Mapped[str | None]


class Parent(OddBase):
    __tablename__ = "parents"

    id: Mapped[int] = mapped_column(primary_key=True)
    others_count: Mapped[int | None] = mapped_column("othersCount")
    children: Mapped[list[Child]] = relationship()
    others: Mapped[list[Child]] = relationship(viewonly=True)
    one: Mapped[Child | None] = relationship(viewonly=True, uselist=False)
    mine: Mapped[list[Child]] = relationship(
        primaryjoin=lambda: sa.and_(
            Parent.id == foreign(Child.parent_id),
            Child.tenant == sa.bindparam("tenant", callable_=lambda: "a"),
        ),
        viewonly=True,
    )


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a parameter of the run": (
        {"include": ["mine"]},
        "option include: mine: its condition has a parameter whose value is only known",
    ),
    "the same, nested": (
        {"associations": AssociationOptions(auto_populate=False)},
        "option associations: mine: its condition",
    ),
    "a clash": ({"include": ["others"]}, "shown as 'othersCount', which the model has already"),
    "a limit of nothing": (
        {"include": [Include("children", limit=0)]},
        "limit must be an integer of at least 1",
    ),
    "a limit of one row": (
        {"include": [Include("one", limit=5)]},
        "one: limit is for relations to many rows",
    ),
    "an unknown order": (
        {"include": [Include("children", order_by="-nmae")]},
        "order_by: '-nmae' is none of id, parent_id, tenant",
    ),
    "an order that is none": (
        {"include": [Include("children", order_by=5)]},
        "order_by must be a string such as name,-id, or SQL expressions",
    ),
    "a condition that is none": (
        {"include": [Include("children", where="id > 5")]},
        "where must be a SQL condition",
    ),
    "an order of another table": (
        {"include": [Include("children", order_by=Parent.id)]},
        "children: order_by names columns of parents",
    ),
    "a condition of another table": (
        {"include": [Include("children", where=Book.draft)]},
        "children: where names columns of books, which is not the related table",
    ),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_invalid_include_stops_start(mistake: str) -> None:
    options, text = REFUSED[mistake]
    crud = Crud(Application(access={}), open_database("sqlite:///unused.sqlite"), gate=None)
    with pytest.raises(ConfigurationError) as refused:
        crud.resource(Parent, **options)
    assert str(refused.value).startswith("resource Parent: option ")
    assert text in str(refused.value)
