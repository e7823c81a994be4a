"""Soft deletes of related rows: cascades, links, orphans, references, and what a start refuses."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import ForeignKey, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore.database.engine import with_connection
from encore.errors import ConfigurationError
from encore.execution.soft_delete_checks import check_soft_delete
from encore.service.purge import Purged, _Purge
from encore.types import UtcDateTime
from tests.execution.test_soft_delete import Api
from tests.fixtures.in_process import empty, postgres_with, sqlite_with

RESTORE: dict[str, Any] = {"access": {"restore": "library:restore"}}


class Base(DeclarativeBase):
    pass


class Deletable:
    deletedAt: Mapped[datetime | None] = mapped_column(UtcDateTime)  # noqa: N815 - the name in JSON


links = sa.Table(
    "book_tags",
    Base.metadata,
    sa.Column("book_id", ForeignKey("books.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag", ForeignKey("tags.name", ondelete="CASCADE"), primary_key=True),
)


class Tag(Deletable, Base):
    __tablename__ = "tags"

    name: Mapped[str] = mapped_column(primary_key=True)


class Book(Deletable, Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    chapters: Mapped[list["Chapter"]] = relationship(
        cascade="all, delete-orphan", order_by="Chapter.id"
    )
    tags: Mapped[list[Tag]] = relationship(secondary=links, order_by=Tag.name)


class Chapter(Deletable, Base):
    __tablename__ = "chapters"

    id: Mapped[int] = mapped_column(primary_key=True)
    heading: Mapped[str]
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("chapters.id"))


class Item(Deletable, Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    label: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "item"}  # noqa: RUF012 - SQLAlchemy's


class Disc(Item):
    __tablename__ = "discs"

    id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    minutes: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "disc"}  # noqa: RUF012 - SQLAlchemy's


class Order(Deletable, Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)


class Position(Base):
    __tablename__ = "positions"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))


class Listened(Deletable, Base):
    __tablename__ = "listened"

    id: Mapped[int] = mapped_column(primary_key=True)


@event.listens_for(Listened, "before_delete")
def _never(*_: Any) -> None:
    """Do nothing."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_with(Base.metadata, tmp_path_factory.mktemp("soft"))
        return
    with postgres_with(Base.metadata, request.getfixturevalue("postgres_url")) as postgres:
        yield postgres


@pytest.fixture
def make_api(url: str) -> Iterator[Callable[[], Api]]:
    def empty_tables(connection: sa.Connection) -> None:
        empty(connection, Base.metadata)
        connection.commit()

    made: list[Api] = []

    def make() -> Api:
        made.append(Api(url))
        return made[-1]

    with_connection(url, empty_tables)
    yield make
    for api in made:
        api.close()


@pytest.fixture
def api(make_api: Callable[[], Api]) -> Api:
    api = make_api()
    soft = {"soft_delete": "deletedAt", **RESTORE}
    api.crud.resource(Book, associations=True, links=True, nested_arrays="sync", **soft)
    api.crud.resource(Chapter, **soft)
    api.crud.resource(Tag, **soft)
    api.crud.resource(Item, **soft)
    api.crud.resource(Disc, **soft)
    return api


def headings(api: Api) -> list[str]:
    return [row["heading"] for row in api.read("/chapters")]


def create_book(api: Api) -> None:
    api.create("/books", title="Dune", chapters=[{"heading": "I"}, {"heading": "II"}])


def test_cascade_deletes_and_restores_related_rows(api: Api) -> None:
    create_book(api)
    api.delete("/chapters/1")
    api.delete("/books/1")
    assert headings(api) == []
    assert len(api.rows(Chapter)) == 2
    restored = api.send("POST", "/books/1/restore").json()
    assert [row["heading"] for row in restored["chapters"]] == ["II"]
    assert headings(api) == ["II"]


def test_orphan_of_a_replaced_array_is_soft_deleted(api: Api) -> None:
    create_book(api)
    response = api.send("PATCH", "/books/1", {"chapters": [{"id": 2}, {"heading": "III"}]})
    assert response.status_code == 200, response.text
    assert [row["id"] for row in response.json()["chapters"]] == [2, 3]
    assert [row["deletedAt"] is not None for row in api.rows(Chapter)] == [True, False, False]


def test_links_of_a_deleted_row_are_hidden_and_kept(api: Api) -> None:
    api.create("/tags", name="old")
    api.create("/tags", name="sand")
    api.create("/books", title="Dune", tags=[{"name": "old"}, {"name": "sand"}])
    api.delete("/tags/old")
    assert [tag["name"] for tag in api.read("/books/1")["tags"]] == ["sand"]
    assert api.status("POST", "/books/1/tags", "old") == 409
    replaced = api.send("PUT", "/books/1/tags", ["sand"])
    assert [tag["name"] for tag in replaced.json()] == ["sand"]
    synced = api.send("PATCH", "/books/1", {"tags": [{"name": "sand"}]})
    assert synced.status_code == 200, synced.text
    assert api.status("POST", "/tags/old/restore") == 200
    assert [tag["name"] for tag in api.read("/books/1")["tags"]] == ["old", "sand"]


def test_foreign_key_in_a_body_cannot_name_a_deleted_row(api: Api) -> None:
    create_book(api)
    api.create("/books", title="Emma")
    api.delete("/books/2")
    errors = [{"field": "book_id", "message": "book_id refers to no such row"}]
    refused = api.send("POST", "/chapters", {"heading": "X", "book_id": 2})
    assert (refused.status_code, refused.json()["errors"]) == (409, errors)
    moved = api.send("PATCH", "/chapters/1", {"book_id": 2})
    assert (moved.status_code, moved.json()["errors"]) == (409, errors)
    nested = {"title": "Y", "chapters": [{"heading": "Z", "parent_id": 1}]}
    api.delete("/chapters/1")
    refused = api.send("POST", "/books", nested)
    assert refused.json()["errors"][0]["field"] == "chapters.0.parent_id"


def test_row_of_an_array_cannot_name_a_deleted_row(api: Api) -> None:
    create_book(api)
    api.create("/books", title="Emma")
    before = len(api.rows(Chapter))
    plain = [{"heading": "X", "book_id": 1}, {"heading": "Y", "book_id": 2}]
    api.delete("/books/2")
    for query in ("", "?mode=partial"):
        response = api.send("POST", f"/chapters{query}", plain)
        assert [row["status"] for row in response.json()["rows"]][-1] == "rejected"
    assert len(api.rows(Chapter)) == before + 1  # The other row of the partial array.


def test_foreign_key_that_a_row_has_already_may_name_a_deleted_row(api: Api) -> None:
    create_book(api)
    api.create("/chapters", heading="I.1", book_id=1, parent_id=1)
    api.delete("/chapters/1")
    changed = api.send("PUT", "/chapters/3", {"heading": "x", "book_id": 1, "parent_id": 1})
    assert (changed.status_code, changed.json()["heading"]) == (200, "x")


def test_joined_rows_are_hidden_under_both_classes(api: Api) -> None:
    api.create("/discs", label="A", minutes=3)
    api.create("/items", label="B")
    api.delete("/discs/1")
    assert [row["label"] for row in api.read("/items")] == ["B"]
    assert api.read("/discs") == []
    assert api.status("GET", "/items/1") == 404
    assert [row["id"] for row in api.read("/discs?deleted=only")] == [1]
    assert api.send("POST", "/items/1/restore").json()["label"] == "A"
    assert api.read("/discs/1")["minutes"] == 3


def test_cascade_to_rows_that_are_not_soft_deleted_stops_the_start(
    make_api: Callable[[], Api],
) -> None:
    resource = make_api().crud.resource(Book, soft_delete="deletedAt", **RESTORE)
    with pytest.raises(ConfigurationError, match=r"rows of 'chapters'.*Chapter needs soft_delete"):
        check_soft_delete(resource)


def test_rule_of_the_database_that_would_not_run_stops_the_start(
    make_api: Callable[[], Api],
) -> None:
    resource = make_api().crud.resource(Order, soft_delete="deletedAt", **RESTORE)
    with pytest.raises(ConfigurationError, match=r"positions\.order_id has ON DELETE CASCADE"):
        check_soft_delete(resource)


def test_listener_that_would_not_run_stops_the_start(make_api: Callable[[], Api]) -> None:
    resource = make_api().crud.resource(Listened, soft_delete="deletedAt", **RESTORE)
    with pytest.raises(ConfigurationError, match="'before_delete'"):
        check_soft_delete(resource)


def test_mapping_that_a_soft_delete_carries_out_may_start(api: Api) -> None:
    for resource in api.crud._soft_deleted:
        check_soft_delete(resource)


def purge(api: Api, slug: str, age: timedelta) -> Purged:
    (resource,) = [r for r in api.crud._soft_deleted if r.slug == slug]
    before = datetime.now().astimezone() - age
    return api.run(_Purge(resource, api.database, before).run())


def test_purge_deletes_old_rows_with_their_cascades(api: Api) -> None:
    create_book(api)
    api.create("/tags", name="old")
    api.create("/books", title="Emma", tags=[{"name": "old"}])
    api.delete("/books/1")
    api.delete("/books/2")
    assert purge(api, "books", timedelta(hours=1)) == Purged("books")
    assert purge(api, "books", timedelta(hours=-1)) == Purged("books", rows=2)
    assert (api.rows(Book), api.rows(Chapter), api.rows(links)) == ([], [], [])


def test_purge_keeps_rows_that_others_need(api: Api) -> None:
    create_book(api)
    api.create("/chapters", heading="I.1", book_id=1, parent_id=1)
    api.create("/chapters", heading="II.1", book_id=1)
    api.delete("/chapters/1")
    api.delete("/chapters/4")
    assert purge(api, "chapters", timedelta(hours=-1)) == Purged("chapters", rows=1, kept=1)
    assert [row["id"] for row in api.rows(Chapter)] == [1, 2, 3]
    api.delete("/books/1")
    assert api.status("POST", "/chapters/3/restore") == 200
    assert purge(api, "books", timedelta(hours=-1)) == Purged("books", rows=0, kept=1)
    assert headings(api) == ["I.1"]
