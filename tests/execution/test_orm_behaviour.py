"""What the ORM would do on a write, the service does: the same rows as a session leaves."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Mapper,
    Session,
    mapped_column,
    relationship,
    validates,
)

from encore import ConfigurationError
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve


class ShopBase(DeclarativeBase):
    pass


product_tags = sa.Table(
    "product_tags",
    ShopBase.metadata,
    sa.Column("product_id", sa.ForeignKey("products.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tags.id"), primary_key=True),
)


class Product(ShopBase):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("theName")
    slug: Mapped[str] = mapped_column(
        default=lambda context: context.get_current_parameters()["theName"].lower()
    )
    parts: Mapped[list["Piece"]] = relationship(cascade="all, delete-orphan")
    reviews: Mapped[list["Review"]] = relationship()
    tags: Mapped[list["Tag"]] = relationship(secondary=product_tags)

    @validates("name")
    def check_name(self, _: str, value: str) -> str:
        if value.startswith("bad"):
            raise ValueError("is a bad name")
        return value.strip()


class Piece(ShopBase):
    __tablename__ = "pieces"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"))


class Review(ShopBase):
    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int | None] = mapped_column(sa.ForeignKey("products.id"))


class Tag(ShopBase):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)


class Counted(ShopBase):
    __tablename__ = "counted"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int] = mapped_column()
    __mapper_args__: Any = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's form


class Watched(ShopBase):
    __tablename__ = "watched"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    trace: Mapped[str | None]


class Journal(ShopBase):
    __tablename__ = "journal"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]


def shop(serve: Serve) -> ModelApi:
    api = serve(ShopBase.metadata)
    for model in (Product, Piece, Review, Tag, Counted, Watched):
        api.crud.resource(model)
    return api


def stocked(serve: Serve) -> ModelApi:
    api = shop(serve)
    api.create("/products", theName="A")
    api.sql("INSERT INTO pieces (product_id) VALUES (1), (1)")
    api.sql("INSERT INTO reviews (product_id) VALUES (1)")
    api.sql("INSERT INTO tags (id) VALUES (1)")
    api.sql("INSERT INTO product_tags (product_id, tag_id) VALUES (1, 1)")
    return api


def test_validator_changes_and_rejects_values(serve: Serve) -> None:
    api = shop(serve)
    assert api.create("/products", theName=" Nut ")["theName"] == "Nut"
    assert_field_errors(api.post("/products", {"theName": "bad"}), 400, "theName")
    assert api.put("/products/1", {"theName": " Bolt "}).json()["theName"] == "Bolt"
    assert_field_errors(api.put("/products/1", {"theName": "bad"}), 400, "theName")
    assert [row["theName"] for row in api.rows(Product)] == ["Bolt"]


def test_context_sensitive_default_sees_other_values(serve: Serve) -> None:
    api = shop(serve)
    assert api.create("/products", theName="Nut")["slug"] == "nut"
    assert api.create("/products", theName="Nut", slug="x")["slug"] == "x"


def test_version_id_col_counts_every_write(serve: Serve) -> None:
    api = shop(serve)
    assert api.create("/counted", name="a")["version"] == 1
    assert api.put("/counted/1", {"name": "b"}).json()["version"] == 2
    api.orm(lambda session: setattr(session.get(Counted, 1), "name", "c"))
    assert api.put("/counted/1", {"name": "d"}).json()["version"] == 4
    assert api.delete("/counted/1").status_code == 200


def test_delete_cascades_as_the_orm_does(serve: Serve) -> None:
    def look(api: ModelApi) -> list[list[tuple[Any, ...]]]:
        tables = ("products", "pieces", "reviews", "tags", "product_tags")
        return [api.sql(f"SELECT * FROM {table}") for table in tables]

    api = stocked(serve)
    assert api.delete("/products/1").status_code == 200
    ours = look(api)
    api.sql("DELETE FROM reviews")
    api.sql("DELETE FROM tags")
    api.sql("INSERT INTO products VALUES (1, 'A', 'a')")
    api.sql("INSERT INTO pieces (id, product_id) VALUES (1, 1), (2, 1)")
    api.sql("INSERT INTO reviews (id, product_id) VALUES (1, 1)")
    api.sql("INSERT INTO tags (id) VALUES (1)")
    api.sql("INSERT INTO product_tags (product_id, tag_id) VALUES (1, 1)")
    api.orm(lambda session: session.delete(session.get(Product, 1)))
    assert ours == look(api) == [[], [], [(1, None)], [(1,)], []]


@pytest.fixture
def listeners() -> Iterator[None]:
    """Listen to writes of ``Watched``, after it may have been exposed."""

    def stamp(_: Any, connection: sa.Connection, target: Watched) -> None:
        target.trace = "seen"
        connection.execute(sa.insert(Journal).values(what=target.name))

    def refuse(_: Any, __: sa.Connection, target: Watched) -> None:
        if target.name == "keep":
            raise ValueError("this one stays")

    def shout(target: Watched, value: str, *_: Any) -> None:
        if value == "loud":
            target.trace = "LOUD"

    registered: tuple[tuple[Any, str, Any], ...] = (
        (Watched, "before_insert", stamp),
        (Watched, "before_update", stamp),
        (Watched, "before_delete", refuse),
        (Watched.name, "set", shout),
    )
    for target, name, function in registered:
        event.listen(target, name, function)
    yield
    for target, name, function in registered:
        event.remove(target, name, function)


def test_listeners_run_in_the_transaction(serve: Serve, listeners: None) -> None:  # noqa: ARG001 - it listens
    api = shop(serve)
    assert api.create("/watched", name="a")["trace"] == "seen"
    assert api.put("/watched/1", {"name": "keep"}).json()["trace"] == "seen"
    refused = api.delete("/watched/1")
    assert (refused.status_code, refused.json()["detail"][-14:]) == (400, "this one stays")
    assert [row["what"] for row in api.rows(Journal)] == ["a", "keep"]
    api.crud.resource(Journal)


def test_listener_added_after_start_runs(serve: Serve, request: pytest.FixtureRequest) -> None:
    api = shop(serve)
    assert api.create("/watched", name="a")["trace"] is None
    request.getfixturevalue("listeners")
    assert api.create("/watched", name="b")["trace"] == "seen"


@pytest.mark.parametrize(
    ("target", "name", "reason"),
    [
        (Watched, "load", "rows are read without making instances"),
        (Session, "do_orm_execute", "rows are read without sessions"),
        (Session, "after_commit", "use context.after_commit"),
    ],
)
def test_unsupported_listener_stops_start(
    serve: Serve, target: Any, name: str, reason: str
) -> None:
    api = serve(ShopBase.metadata)

    def listener(*_: Any) -> None: ...

    event.listen(target, name, listener)
    try:
        with pytest.raises(ConfigurationError, match=f"Watched: option model: .*{reason}"):
            api.crud.resource(Watched)
    finally:
        event.remove(target, name, listener)


@pytest.mark.parametrize(
    ("target", "name"), [(Watched, "load"), (Session, "do_orm_execute"), (Session, "after_commit")]
)
def test_unsupported_listener_added_after_start_returns_500(
    serve: Serve, target: Any, name: str
) -> None:
    api = shop(serve)
    api.create("/watched", name="a")

    def listener(*_: Any) -> None: ...

    event.listen(target, name, listener)
    try:
        assert api.get("/watched/1").status_code == 500
        assert api.put("/watched/1", {"name": "b"}).status_code == 500
    finally:
        event.remove(target, name, listener)
    assert api.read("/watched/1")["name"] == "a"


def test_listener_of_every_mapper_runs(serve: Serve) -> None:
    api = shop(serve)
    heard: list[str] = []

    def listener(mapper: Mapper[Any], *_: Any) -> None:
        heard.append(mapper.class_.__name__)

    event.listen(Mapper, "after_insert", listener)
    try:
        api.create("/tags")
    finally:
        event.remove(Mapper, "after_insert", listener)
    assert heard == ["Tag"]


class DataBase(MappedAsDataclass, DeclarativeBase):
    pass


class Point(DataBase):
    __tablename__ = "points"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    x: Mapped[int]
    note: Mapped[str | None]
    code: Mapped[str] = mapped_column(default_factory=lambda: "made")


class Made(DataBase):
    __tablename__ = "made"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    x: Mapped[int]

    def __init__(self, x: int, scale: int) -> None:
        self.x = x * scale


def test_dataclass_is_created_by_its_constructor(serve: Serve) -> None:
    api = serve(DataBase.metadata)
    api.crud.resource(Point)
    assert api.create("/points", x=1) == {"id": 1, "x": 1, "note": None, "code": "made"}
    assert api.create("/points", x=2, code="given")["code"] == "given"


def test_constructor_with_unmapped_parameter_stops_start(serve: Serve) -> None:
    api = serve(DataBase.metadata)
    with pytest.raises(ConfigurationError, match=r"Made: .*parameter scale"):
        api.crud.resource(Made)


class DefaultBase(DeclarativeBase):
    pass


class Defaulted(DefaultBase):
    __tablename__ = "defaulted"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    rank: Mapped[int] = mapped_column(server_default="7")
    day: Mapped[Any] = mapped_column(sa.Date, server_default="2024-02-03")
    total: Mapped[int] = mapped_column(default=sa.text("40 + 2"))
    free: Mapped[str | None] = mapped_column(server_default="free")


class Validated(DefaultBase):
    __tablename__ = "validated"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    day: Mapped[Any] = mapped_column(sa.Date, server_default="2024-02-03")

    @validates("name")
    def check_name(self, _: str, value: str) -> str:
        return value.title()


class Fetched(DefaultBase):
    __tablename__ = "fetched"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(server_default=sa.FetchedValue())


def test_put_replaces_sets_sql_defaults(serve: Serve) -> None:
    api = serve(DefaultBase.metadata)
    api.crud.resource(Defaulted, put_replaces=True)
    api.crud.resource(Validated, put_replaces=True)
    made = api.create("/defaulted", name="a")
    other = api.create("/defaulted", name="a", rank=1, day="2020-01-01", total=1, free=None)
    assert api.put("/defaulted/2", {"name": "a"}).json() == {**made, "id": other["id"]}
    assert api.put("/defaulted/1", {"name": "b", "rank": 9}).json()["rank"] == 9
    api.create("/validated", name="a", day="2020-01-01")
    replaced = api.put("/validated/1", {"name": "b"}).json()
    assert (replaced["name"], replaced["day"]) == ("B", "2024-02-03")


def test_upload_sets_sql_defaults(serve: Serve) -> None:
    api = serve(DefaultBase.metadata)
    api.crud.upload(api.crud.resource(Defaulted), natural_key=["name"])
    assert api.post("/defaulted/upload", [{"name": "a"}, {"name": "b"}]).json()["created"] == 2
    row = api.read("/defaulted/2")
    assert (row["rank"], row["day"], row["total"], row["free"]) == (7, "2024-02-03", 42, "free")


def test_put_replaces_with_unknown_default_stops_start(serve: Serve) -> None:
    api = serve(DefaultBase.metadata)
    with pytest.raises(ConfigurationError, match="put_replaces: the default of code"):
        api.crud.resource(Fetched, put_replaces=True)
    api.crud.resource(Fetched)
