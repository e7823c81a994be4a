"""Bulk writes of models with soft deletes, versions, composite keys, sessions and inheritance."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from encore.types import UtcDateTime
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Label(Base):
    """Its composite key has text; its rows are kept when they are deleted."""

    __tablename__ = "labels"

    lang: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    deletedAt: Mapped[datetime | None] = mapped_column(UtcDateTime)  # noqa: N815 - the name in JSON


class Versioned(Base):
    __tablename__ = "versioned"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    tag: Mapped[str | None] = mapped_column(onupdate=lambda: uuid4().hex, unique=True)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's name


class Validated(Base):
    """Its rows are written by sessions."""

    __tablename__ = "validated"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's name

    @validates("name")
    def check_name(self, _: str, value: str) -> str:
        if value == "bad" or (value == "odd" and self.id and self.id % 2):
            raise ValueError("is not a name")
        return value.strip()


class Animal(Base):
    __tablename__ = "animals"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012 - SQLAlchemy's name


class Dog(Animal):
    __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012 - SQLAlchemy's name


class Boss(Base):
    """Refers to itself."""

    __tablename__ = "bosses"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    boss_id: Mapped[int | None] = mapped_column(sa.ForeignKey("bosses.id"))


def patch(api: ModelApi, path: str, body: Any, **options: Any) -> Any:
    return api.request("PATCH", path, json=body, **options)


def test_soft_deleted_rows_are_hidden_and_not_matched_again(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Label, soft_delete="deletedAt", access={"restore": "library"})
    for name in "abc":
        api.create("/labels", lang="en", name=name)
    assert api.delete("/labels?name__in=a,b").json() == {"affected": 2}
    assert [row["name"] for row in api.read("/labels")] == ["c"]
    assert api.delete("/labels?lang=en&dry_run=true").json() == {"affected": 1}
    assert patch(api, "/labels?lang=en", {"text": "x"}).json() == {"affected": 1}
    stored = api.orm(lambda s: s.execute(sa.text("select count(*) from labels")).scalar())
    assert stored == 3


def test_row_versions_are_counted_for_each_row(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Versioned)
    for n in range(3):
        api.create("/versioned", name=f"n{n}")
    assert patch(api, "/versioned?name__ne=n0", {"name": "x"}).json() == {"affected": 2}
    assert [row["version"] for row in api.read("/versioned?sort=id")] == [1, 2, 2]
    tags = [row["tag"] for row in api.read("/versioned?sort=id")]
    assert tags[0] is None
    assert len(set(tags)) == 3


def test_rows_of_sessions_are_validated_one_by_one(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Validated)
    ids = [api.create("/validated", name=f"n{n}")["id"] for n in range(3)]
    assert patch(api, "/validated?name__ne=n0", {"name": " x "}).json() == {"affected": 2}
    rows = api.read("/validated?sort=id")
    assert [(row["name"], row["version"]) for row in rows] == [("n0", 1), ("x", 2), ("x", 2)]
    response = patch(api, "/validated?id__gt=0", {"name": "odd"})
    odd = next(id_ for id_ in ids if id_ % 2)
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == f"id {odd}: name is not a name"
    assert api.read("/validated?sort=id") == rows
    assert api.delete("/validated?name=x").json() == {"affected": 2}


def test_rows_of_other_classes_in_the_table_are_not_written(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Dog, endpoints=("/dogs", "/dogs/{id}"))
    api.orm(lambda s: s.add(Animal(name="x")))
    api.create("/dogs", name="x")
    assert patch(api, "/dogs?name=x", {"name": "y"}).json() == {"affected": 1}
    assert api.delete("/dogs?id__gt=0").json() == {"affected": 1}
    names = api.orm(lambda s: s.execute(sa.text("select name from animals")).scalars().all())
    assert names == ["x"]


def test_row_that_others_refer_to_is_not_deleted(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Boss)
    boss = api.create("/bosses", name="a")["id"]
    api.create("/bosses", name="b", boss_id=boss)
    response = api.delete("/bosses?name=a")
    assert response.status_code == 409
    assert len(api.read("/bosses")) == 2
    assert api.delete("/bosses?id__gt=0").json() == {"affected": 2}


def test_listener_that_is_added_later_sees_each_row(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Boss)
    for name in "ab":
        api.create("/bosses", name=name)
    seen = []

    def see(_: Any, __: Any, target: Boss) -> None:
        seen.append(target.name)

    event.listen(Boss, "before_update", see)
    try:
        assert patch(api, "/bosses?id__gt=0", {"name": "x"}).json() == {"affected": 2}
    finally:
        event.remove(Boss, "before_update", see)
    assert seen == ["x", "x"]
