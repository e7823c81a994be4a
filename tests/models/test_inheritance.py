"""Inheritance: a resource reads, changes and deletes the rows of its class, as the ORM does."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.declarative import ConcreteBase
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import ConfigurationError
from tests.fixtures.models import ModelApi, Serve


class StaffBase(DeclarativeBase):
    pass


class Employee(StaffBase):
    __tablename__ = "employees"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    __mapper_args__: Any = {"polymorphic_on": "kind", "polymorphic_identity": "employee"}  # noqa: RUF012 - SQLAlchemy's form


class Manager(Employee):
    """Shares the table."""

    level: Mapped[int | None] = mapped_column(unique=True)
    __mapper_args__: Any = {"polymorphic_identity": "manager"}  # noqa: RUF012


class Director(Manager):
    __mapper_args__: Any = {"polymorphic_identity": "director"}  # noqa: RUF012


class Engineer(Employee):
    """Has its own table."""

    __tablename__ = "engineers"

    id: Mapped[int] = mapped_column(sa.ForeignKey("employees.id"), primary_key=True)
    language: Mapped[str] = mapped_column("lang")
    years: Mapped[int] = mapped_column(server_default="3")
    __mapper_args__: Any = {"polymorphic_identity": "engineer"}  # noqa: RUF012


PATHS = {Employee: "/staff", Manager: "/managers", Director: "/directors", Engineer: "/engineers"}


def staff(serve: Serve) -> ModelApi:
    api = serve(StaffBase.metadata)
    for model, path in PATHS.items():
        api.crud.resource(model, endpoints=(path, f"{path}/{{id}}"))
    api.create("/staff", name="Eva")
    api.create("/managers", name="Max", level=1)
    api.create("/directors", name="Dora", level=2)
    api.create("/engineers", name="Ada", lang="Ada")
    return api


def test_lists_hold_the_rows_that_the_orm_finds(serve: Serve) -> None:
    api = staff(serve)
    for model, path in PATHS.items():
        names = sa.select(model.name).order_by(model.id)
        stored = api.orm(lambda session, names=names: list(session.scalars(names)))  # type: ignore[misc] # bound early
        response = api.get(path, params={"count": 1, "fields": "name"})
        assert response.headers["content-range"].endswith(f"/{len(stored)}")
        assert [row["name"] for row in api.read(path)] == stored


def test_created_rows_are_of_their_class(serve: Serve) -> None:
    api = staff(serve)
    kinds = api.orm(lambda s: [type(one).__name__ for one in s.scalars(sa.select(Employee))])
    assert kinds == ["Employee", "Manager", "Director", "Engineer"]
    row = api.read("/engineers/4")
    assert row == {"id": 4, "name": "Ada", "kind": "engineer", "lang": "Ada", "years": 3}


@pytest.mark.parametrize(
    ("path", "other"), [("/managers", 1), ("/directors", 2), ("/engineers", 1), ("/managers", 4)]
)
def test_rows_of_another_class_are_not_found(serve: Serve, path: str, other: int) -> None:
    api = staff(serve)
    before = api.rows(Employee)
    assert api.get(f"{path}/{other}").status_code == 404
    assert api.put(f"{path}/{other}", {"name": "X"}).status_code == 404
    assert api.delete(f"{path}/{other}").status_code == 404
    assert api.rows(Employee) == before


def test_joined_row_is_changed_in_both_tables(serve: Serve) -> None:
    api = staff(serve)
    changed = api.put("/engineers/4", {"name": "Bea", "lang": "B"}).json()
    assert (changed["name"], changed["lang"]) == ("Bea", "B")
    assert api.sql("SELECT name FROM employees WHERE id = 4") == [("Bea",)]
    assert api.sql("SELECT lang FROM engineers") == [("B",)]
    assert api.read("/engineers", name="Bea", lang__startswith="B")[0]["id"] == 4


@pytest.mark.parametrize("path", ["/engineers/4", "/staff/4"])
def test_joined_row_is_deleted_whole_through_either_class(serve: Serve, path: str) -> None:
    api = staff(serve)
    assert api.delete(path).status_code == 200
    assert api.sql("SELECT count(*) FROM engineers") == [(0,)]
    assert [row["id"] for row in api.rows(Employee)] == [1, 2, 3]


def test_subclass_row_is_changed_through_its_base(serve: Serve) -> None:
    api = staff(serve)
    assert api.put("/managers/3", {"level": 9}).json()["kind"] == "director"
    assert api.put("/staff/4", {"name": "Cy"}).status_code == 200
    assert api.read("/engineers/4")["name"] == "Cy"


def test_upload_of_a_class_leaves_its_siblings_alone(serve: Serve) -> None:
    api = serve(StaffBase.metadata)
    api.crud.resource(Employee, endpoints=("/staff", "/staff/{id}"))
    managers = api.crud.resource(Manager, endpoints=("/managers", "/managers/{id}"))
    api.crud.upload(managers, natural_key=["name"])
    api.create("/staff", name="Eva")
    report = api.post("/managers/upload", [{"name": "Eva", "level": 4}, {"name": "Max"}]).json()
    assert report["created"] == 2
    assert [(r["name"], r["kind"]) for r in api.read("/staff")] == [
        ("Eva", "employee"),
        ("Eva", "manager"),
        ("Max", "manager"),
    ]


class ConcreteStaffBase(DeclarativeBase):
    pass


class Worker(ConcreteBase, ConcreteStaffBase):
    __tablename__ = "workers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    __mapper_args__: Any = {"polymorphic_identity": "worker", "concrete": True}  # noqa: RUF012


class Chief(Worker):
    __tablename__ = "chiefs"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    budget: Mapped[int]
    __mapper_args__: Any = {"polymorphic_identity": "chief", "concrete": True}  # noqa: RUF012


def test_concrete_class_is_exposed_but_its_base_is_rejected(serve: Serve) -> None:
    api = serve(ConcreteStaffBase.metadata)
    with pytest.raises(ConfigurationError, match=r"Worker: .*concrete tables.*expose Chief"):
        api.crud.resource(Worker)
    api.crud.resource(Chief)
    assert api.create("/chiefs", name="A", budget=5) == {"id": 1, "name": "A", "budget": 5}
    assert api.put("/chiefs/1", {"budget": 6}).json()["budget"] == 6
    assert api.delete("/chiefs/1").status_code == 200


class MappedBase(DeclarativeBase):
    pass


class Whole(MappedBase):
    __tablename__ = "wholes"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("theName", key="other")
    secret: Mapped[str | None]


class Slim(MappedBase):
    """The same table, without a column that it does not need."""

    __table__ = Whole.__table__
    __mapper_args__: Any = {"exclude_properties": ["secret"]}  # noqa: RUF012


class Statistic(MappedBase):
    __table__ = (
        sa.select(
            sa.func.min(Whole.id).label("first"),
            Whole.name.label("name"),
            sa.func.count().label("n"),
        )
        .group_by(Whole.name)
        .subquery("statistics")
    )
    __mapper_args__: Any = {"primary_key": [__table__.c.first]}  # noqa: RUF012


def test_column_with_other_key_is_named_as_in_the_database(serve: Serve) -> None:
    api = serve(MappedBase.metadata)
    api.crud.resource(Whole)
    assert api.create("/wholes", theName="a") == {"id": 1, "theName": "a", "secret": None}
    assert api.read("/wholes", theName="a", sort="theName")[0]["id"] == 1


def test_excluded_property_is_no_field(serve: Serve) -> None:
    api = serve(MappedBase.metadata)
    api.crud.resource(Slim)
    api.sql("""INSERT INTO wholes VALUES (7, 'a', 's')""")
    assert api.read("/wholes/7") == {"id": 7, "theName": "a"}
    assert api.put("/wholes/7", {"theName": "b"}).status_code == 200
    assert api.sql("SELECT secret FROM wholes") == [("s",)]


def test_mapped_select_is_read_only(serve: Serve) -> None:
    api = serve(MappedBase.metadata)
    with pytest.raises(ConfigurationError, match=r"Statistic: .*mapped to a SELECT"):
        api.crud.resource(Statistic)
    api.crud.resource(Statistic, actions=("list", "read"))
    api.sql("""INSERT INTO wholes VALUES (1, 'a', 's'), (2, 'a', 's'), (3, 'b', 's')""")
    assert api.read("/statistics", sort="name") == [
        {"first": 1, "name": "a", "n": 2},
        {"first": 3, "name": "b", "n": 1},
    ]
    assert api.read("/statistics/3")["n"] == 1
    assert api.read("/statistics", n__gt=1)[0]["name"] == "a"
    assert api.delete("/statistics/3").status_code == 405


class ReflectedBase(DeclarativeBase):
    pass


class Reflected(ReflectedBase):
    __table__ = sa.Table(
        "reflected",
        ReflectedBase.metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("unit price", sa.Integer),
    )


def test_attribute_not_an_identifier_is_rejected_unless_excluded(serve: Serve) -> None:
    api = serve(ReflectedBase.metadata)
    with pytest.raises(
        ConfigurationError, match=r"Reflected.unit price: .*not a Python identifier"
    ):
        api.crud.resource(Reflected)
    api.crud.resource(Reflected, exclude_attributes=["unit price"])
    assert api.create("/reflected") == {"id": 1}
