"""The links of many-to-many relationships, changed under the parent's path by ``links``."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore import ConfigurationError, Context
from encore.errors import Forbidden
from encore.openapi.document import make_document
from encore.types import UtcDateTime, now
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.openapi import resolved


class Base(DeclarativeBase):
    pass


tagged = sa.Table(
    "tagged",
    Base.metadata,
    sa.Column("productId", sa.ForeignKey("products.id"), primary_key=True),
    sa.Column("tagId", sa.ForeignKey("tags.id"), primary_key=True),
    sa.Column("addedAt", UtcDateTime, nullable=False, default=now),
)
placed = sa.Table(
    "placed",
    Base.metadata,
    sa.Column("productId", sa.ForeignKey("products.id")),
    sa.Column("line", sa.String(9)),
    sa.Column("number", sa.Integer),
    sa.ForeignKeyConstraint(["line", "number"], ["spots.line", "spots.number"]),
)


class Product(Base):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner: Mapped[str | None]
    tags: Mapped[list["Tag"]] = relationship(
        secondary=tagged, back_populates="products", order_by="Tag.label"
    )
    spots: Mapped[list["Spot"]] = relationship(secondary=placed)


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    secret: Mapped[str | None]
    products: Mapped[list[Product]] = relationship(secondary=tagged, back_populates="tags")
    shown: Mapped[list[Product]] = relationship(secondary=tagged, viewonly=True)


class Spot(Base):
    __tablename__ = "spots"

    line: Mapped[str] = mapped_column(sa.String(9), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


def links(api: ModelApi) -> list[tuple[Any, ...]]:
    """Return the links, as the ORM sees them."""
    return api.orm(
        lambda session: [
            (product.id, [tag.id for tag in product.tags], [spot.number for spot in product.spots])
            for product in session.scalars(sa.select(Product).order_by(Product.id))
        ]
    )


def fill(api: ModelApi) -> ModelApi:
    def add(session: Any) -> None:
        tags = [Tag(label=label, secret="s") for label in "cba"]
        spots = [Spot(line="a/b", number=n) for n in (1, 2)]
        session.add_all([*tags, *spots])
        session.flush()
        session.add(Product(name="one", owner="tester", tags=tags[:2], spots=spots[:1]))
        session.flush()
        session.add(Product(name="two"))

    api.orm(add)
    return api


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.resource(
        Product,
        associations=True,
        links=True,
        exclude_attributes={"tags": ["secret"]},
        access={"update": "library", "delete": "nobody"},
    )
    return fill(api)


TAG_1, TAG_2, TAG_3 = ({"id": n, "label": label} for n, label in ((1, "c"), (2, "b"), (3, "a")))
PATH = "/products/1/tags"
CHANGES: list[tuple[str, str, Any, int, Any, list[int]]] = [
    ("PUT", PATH, [3], 200, [TAG_3], [3]),
    ("PUT", PATH, [{"id": 3}, 1], 200, [TAG_3, TAG_1], [3, 1]),
    ("PUT", PATH, [TAG_1], 200, [TAG_1], [1]),
    ("PUT", PATH, [], 200, [], []),
    ("POST", PATH, {"id": 3}, 201, TAG_3, [3, 2, 1]),
    ("POST", PATH, 3, 201, TAG_3, [3, 2, 1]),
    ("POST", PATH, TAG_1, 200, TAG_1, [2, 1]),
    ("DELETE", f"{PATH}/1", None, 200, {}, [2]),
]


@pytest.mark.parametrize("change", CHANGES)
def test_link_actions_change_links_only(
    api: ModelApi, change: tuple[str, str, Any, int, Any, list[int]]
) -> None:
    method, path, body, status, shown, ids = change
    rows = [api.sql("SELECT * FROM products"), api.sql("SELECT * FROM tags")]
    answer = api.request(method, path, json=body)
    assert (answer.status_code, answer.json()) == (status, shown), answer.text
    assert links(api) == [(1, ids, [1]), (2, [], [])]
    assert [tag["id"] for tag in api.read(PATH)] == ids
    assert rows == [api.sql("SELECT * FROM products"), api.sql("SELECT * FROM tags")]
    assert all(row[0] is not None for row in api.sql('SELECT "addedAt" FROM tagged'))
    if method == "POST":
        assert api.read(answer.headers["location"]) == shown


REFUSED: list[tuple[str, str, Any, int, list[str]]] = [
    ("PUT", PATH, [3, 99], 409, ["tags.1"]),
    ("PUT", PATH, [3, 3], 400, ["tags.1"]),
    ("PUT", PATH, {"id": 3}, 400, ["tags"]),
    ("PUT", PATH, ["x"], 400, ["tags.0.id"]),
    ("PUT", PATH, [None], 400, ["tags.0"]),
    ("PUT", PATH, [{"label": "new"}], 400, ["tags.0"]),
    ("PUT", PATH, [{"id": 3, "label": "z"}], 400, ["tags.0.label"]),
    ("PUT", PATH, [{"id": 3, "secret": "s"}], 400, ["tags.0.secret"]),
    ("PUT", PATH, [{"id": 3, "lable": "a"}], 400, ["tags.0.lable"]),
    ("PUT", f"{PATH}?q=x", [], 400, ["q"]),
    ("PUT", "/products/99/tags", [], 404, []),
    ("PUT", "/products/x/tags", [], 404, []),
    ("POST", PATH, {"id": 99}, 409, ["tags"]),
    ("POST", PATH, [3], 400, ["tags.id"]),
    ("POST", "/products/99/tags", 1, 404, []),
    ("DELETE", f"{PATH}/3", None, 404, []),
    ("DELETE", f"{PATH}/99", None, 404, []),
    ("DELETE", "/products/99/tags/1", None, 404, []),
    ("PATCH", PATH, [], 405, []),
]


def test_invalid_link_is_rejected_and_changes_nothing(api: ModelApi) -> None:
    before = links(api)
    for method, path, body, status, names in REFUSED:
        answer = api.request(method, path, json=body)
        assert answer.status_code == status, (method, path, body, answer.text)
        assert_field_errors(answer, status, *names)
        assert links(api) == before, body
    assert_field_errors(api.request("POST", PATH, content=b"null"), 400, "tags")
    assert api.request("PUT", PATH, content=b"[3").status_code == 400
    assert api.request("POST", PATH).status_code == 400


def test_links_with_composite_keys_or_without_key_are_changed(api: ModelApi) -> None:
    path = "/products/2/spots"
    spots = [{"line": "a/b", "number": n} for n in (1, 2)]
    made = api.post(path, spots[1])
    assert (made.status_code, made.json()) == (201, spots[1])
    assert api.read(made.headers["location"]) == spots[1]
    assert api.post(path, spots[1]).status_code == 200
    assert api.put(path, spots).json() == spots
    assert api.delete(f"{path}/a%2Fb/1").json() == {}
    assert links(api)[1] == (2, [], [2])
    assert_field_errors(api.put(path, [{"line": "a/b"}]), 400, "spots.0")
    assert_field_errors(api.put(path, [1]), 400, "spots.0")


def test_link_actions_use_update_hooks_and_scopes(serve: Serve) -> None:
    api = serve(Base.metadata)
    products = api.crud.resource(Product, include=["tags"], links=["tags"])
    api.crud.resource(Tag)
    seen: list[Any] = []

    @products.update.auth.before
    def look(context: Context) -> None:
        seen.append(context.request_body)
        if context.request_body.get("tags") == [3]:
            raise Forbidden("not three")

    @products.update.start.before
    def narrow(context: Context) -> None:
        context.criteria["owner"] = "tester"

    @products.update.write.before
    def stamp(context: Context) -> None:
        context.attributes["name"] = "stamped"

    fill(api)
    assert api.put("/products/1/tags", [3]).status_code == 403
    assert api.put("/products/2/tags", [1]).status_code == 404
    assert [tag["id"] for tag in api.put("/products/1/tags", [1]).json()] == [1]
    assert api.read("/products/1")["name"] == "stamped"
    assert api.delete("/products/1/tags/1").json() == {}
    assert links(api) == [(1, [], [1]), (2, [], [])]
    assert seen == [{"tags": [3]}, {"tags": [1]}, {"tags": [1]}, {}]


def test_openapi_describes_the_links(api: ModelApi) -> None:
    document = resolved(make_document(api.app))
    path = "/products/{product_id}/tags"
    operations = document["paths"][path]
    assert {"get", "put", "post"} == operations.keys()
    assert {"200", "201", "409", "404"} <= operations["post"]["responses"].keys()
    for status in ("200", "201", "204"):
        assert "Location" in operations["post"]["responses"][status]["headers"]
    assert "Location" not in operations["put"]["responses"]["200"]["headers"]
    body = operations["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["type"] == "array"
    assert "delete" in document["paths"][f"{path}/{{id}}"]


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        (Product, {"links": True}, "there is no embedded many-to-many relation"),
        (Product, {"links": ["nope"], "include": ["tags"]}, "'nope' is none of"),
        (Product, {"links": "tags"}, "must be true, false or a list of relations"),
        (Tag, {"links": True, "associations": True}, "'shown' is viewonly"),
    ],
)
def test_unchangeable_links_stop_start(
    serve: Serve, model: Any, options: dict[str, Any], text: str
) -> None:
    api = serve(Base.metadata)
    with pytest.raises(ConfigurationError, match=f"option links: {text}"):
        api.crud.resource(model, **options)
