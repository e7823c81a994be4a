"""The key in a path identifies one row: it is the mapper's, with any column names."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import ConfigurationError
from tests.fixtures.models import Serve


class KeyBase(DeclarativeBase):
    pass


class Part(KeyBase):
    __tablename__ = "parts2"

    id: Mapped[int] = mapped_column("part-id", primary_key=True)
    code: Mapped[str]


class Line(KeyBase):
    __tablename__ = "lines"

    order: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column("line no", primary_key=True, autoincrement=False)
    text: Mapped[str | None]


class Unit(KeyBase):
    """Each of its columns is a kind of key, or looks like one."""

    __tablename__ = "units"
    __table_args__ = (
        sa.UniqueConstraint("country", "city"),
        sa.UniqueConstraint("nullable"),
        sa.Index("ix_partial", "partial", unique=True, sqlite_where=sa.text("id > 5")),
        sa.Index("ix_lower", sa.text("lower(lowered)"), unique=True),
        sa.Index("ix_indexed", "indexed", unique=True),
        sa.Index("ix_plain", "plain"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str]
    city: Mapped[str]
    nullable: Mapped[str | None]
    partial: Mapped[str]
    lowered: Mapped[str]
    indexed: Mapped[str]
    plain: Mapped[str]


def test_key_column_not_an_identifier_finds_one_row(serve: Serve) -> None:
    api = serve(KeyBase.metadata)
    api.crud.resource(Part)
    responses = [api.post("/parts2", {"code": code}) for code in "abc"]
    assert responses[2].headers["location"] == "/parts2/3"
    assert api.read("/parts2/2") == {"part-id": 2, "code": "b"}
    assert api.put("/parts2/2", {"code": "z"}).status_code == 200
    assert api.delete("/parts2/999").status_code == 404
    assert [row["code"] for row in api.rows(Part)] == ["a", "z", "c"]


def test_composite_key_with_unusual_column_is_used_whole(serve: Serve) -> None:
    api = serve(KeyBase.metadata)
    api.crud.resource(Line)
    for order, number in ((1, 1), (1, 2), (2, 1)):
        api.create("/lines", **{"order": order, "line no": number})
    assert api.request("PATCH", "/lines/1/2", json={"text": "x"}).json()["line no"] == 2
    assert api.delete("/lines/1/1").status_code == 200
    assert [(row["order"], row["text"]) for row in api.rows(Line)] == [(1, "x"), (2, None)]


@pytest.mark.parametrize(
    "path", ["{id}", "{country}/{city}", "{indexed}", "{plain}/{id}", "{city}/{plain}/{country}"]
)
def test_item_path_with_unique_key_is_accepted(serve: Serve, path: str) -> None:
    api = serve(KeyBase.metadata)
    api.crud.resource(Unit, endpoints=("/units", f"/units/{path}"))
    columns = ("country", "city", "partial", "lowered", "indexed", "plain")
    location = api.post("/units", dict.fromkeys(columns, "x")).headers["location"]
    other = api.post("/units", dict.fromkeys(columns, "y")).headers["location"]
    assert api.delete(location).status_code == 200
    assert api.read(other)["city"] == "y"


@pytest.mark.parametrize(
    "path", ["", "{country}", "{nullable}", "{partial}", "{lowered}", "{plain}", "{city}/{plain}"]
)
@pytest.mark.parametrize("action", ["read", "update", "delete"])
def test_item_path_without_unique_key_is_rejected(serve: Serve, path: str, action: str) -> None:
    api = serve(KeyBase.metadata)
    endpoints = ("/units", f"/units/{path}") if path else ("/settings",)
    with pytest.raises(ConfigurationError, match=f"Unit: option endpoints: {action}: .* one row"):
        api.crud.resource(Unit, endpoints=endpoints, actions=("create", "list", action))


def test_collection_alone_is_listed_and_created(serve: Serve) -> None:
    api = serve(KeyBase.metadata)
    api.crud.resource(Part, endpoints=("/settings",), actions=("create", "list"))
    assert api.post("/settings", {"code": "a"}).status_code == 201
    assert [row["code"] for row in api.read("/settings")] == ["a"]
    assert api.delete("/settings").status_code == 405


class UndeclaredBase(DeclarativeBase):
    pass


class Undeclared(UndeclaredBase):
    """Its primary key exists in the model alone."""

    __table__ = sa.Table(
        "undeclared",
        UndeclaredBase.metadata,
        sa.Column("id", sa.Integer),
        sa.Column("name", sa.String(20)),
    )
    __mapper_args__: Any = {"primary_key": [__table__.c.id]}  # noqa: RUF012 - SQLAlchemy's form


def test_write_that_meets_several_rows_is_rolled_back(serve: Serve) -> None:
    api = serve(UndeclaredBase.metadata)
    api.crud.resource(Undeclared)
    api.sql("INSERT INTO undeclared VALUES (1, 'a'), (1, 'b'), (2, 'c')")
    assert api.put("/undeclared/1", {"name": "z"}).status_code == 500
    assert api.delete("/undeclared/1").status_code == 500
    assert api.put("/undeclared/2", {"name": "z"}).status_code == 200
    rows = api.sql("SELECT id, name FROM undeclared ORDER BY id, name")
    assert rows == [(1, "a"), (1, "b"), (2, "z")]
