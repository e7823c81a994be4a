"""A ``version_id_col`` that SQL counts, with and without other writers."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from encore import Context
from encore.extensions import Statement, version_increment
from encore.openapi.components import InlineComponents
from encore.openapi.schemas import create_schema, row_schema, update_schema
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.version_models import Badge, Car, Cat, Owner, Pet, Tag, VersionBase


@pytest.fixture
def owners(serve: Serve) -> ModelApi:
    api = serve(VersionBase.metadata)
    for model in (Owner, Car, Badge, Tag, Pet):
        api.crud.resource(model, associations=True)
    api.crud.resource(Cat, endpoints=("/cats", "/cats/{id}"))
    return api


def test_model_with_default_generator_needs_no_session(serve: Serve) -> None:
    api = serve(VersionBase.metadata)
    for model in (Car, Badge, Tag):
        behaviour = api.crud.resource(model).session_writes.behaviour
        assert [behaviour.reasons(name) for name in ("create", "update", "delete")] == [()] * 3


def test_update_counts_in_the_same_statement(owners: ModelApi) -> None:
    owners.create("/cars", name="a")
    owners.database.sql.clear()
    assert owners.put("/cars/1", {"colour": "red"}).json()["rowVersion"] == 2
    (statement,) = owners.database.sql
    assert '"rowVersion" + ' in statement.replace("cars.", "")


def test_repeated_values_are_counted_as_by_onupdate(owners: ModelApi) -> None:
    owners.create("/cars", name="a")
    assert owners.put("/cars/1", {"name": "a"}).json()["rowVersion"] == 2


@pytest.mark.parametrize("body", [{}, {"rowVersion": 1, "id": 1, "owner": None, "owner_id": None}])
def test_body_without_changes_is_not_counted(owners: ModelApi, body: dict[str, Any]) -> None:
    owners.create("/cars", name="a")
    assert owners.put("/cars/1", body).json()["rowVersion"] == 1


def test_version_in_body_is_read_only(owners: ModelApi) -> None:
    assert owners.create("/cars", name="a", rowVersion=1)["rowVersion"] == 1
    assert_field_errors(owners.post("/cars", {"name": "b", "rowVersion": 9}), 400, "rowVersion")
    assert_field_errors(owners.put("/cars/1", {"rowVersion": 2}), 400, "rowVersion")
    assert owners.put("/cars/1", {"rowVersion": 1, "colour": "red"}).json()["rowVersion"] == 2


def test_version_is_read_only_in_openapi(serve: Serve) -> None:
    cars = serve(VersionBase.metadata).crud.resource(Car)
    assert row_schema(cars, InlineComponents())["properties"]["rowVersion"]["readOnly"]
    for make in (create_schema, update_schema):
        assert "rowVersion" not in make(cars, InlineComponents())["properties"]


def test_list_filters_and_sorts_by_version(owners: ModelApi) -> None:
    for name in "abc":
        owners.create("/cars", name=name)
    owners.put("/cars/2", {"colour": "red"})
    assert [row["name"] for row in owners.read("/cars", rowVersion=2)] == ["b"]
    assert owners.read("/cars", sort="-rowVersion")[0]["name"] == "b"


def test_concurrent_updates_are_all_counted(owners: ModelApi) -> None:
    owners.create("/cars", name="a")

    async def write() -> list[int]:
        calls = (owners.call("PUT", "/cars/1", json={"colour": f"c{n}"}) for n in range(30))
        return [response.json()["rowVersion"] for response in await asyncio.gather(*calls)]

    assert sorted(owners.run(write())) == list(range(2, 32))


@pytest.mark.parametrize("action", ["create", "update"])
def test_hook_that_sets_the_version_raises(serve: Serve, action: str) -> None:
    api = serve(VersionBase.metadata)
    cars = api.crud.resource(Car)
    api.sql("INSERT INTO cars (name, \"rowVersion\") VALUES ('a', 1)")

    def set_version(context: Context) -> None:
        context.attributes["count"] = 9

    cars.hooks[action].write.before(set_version)
    response = (
        api.post("/cars", {"name": "b"})
        if action == "create"
        else api.put("/cars/1", {"name": "b"})
    )
    assert response.status_code == 500
    assert [(row["name"], row["rowVersion"]) for row in api.rows(Car)] == [("a", 1)]


def test_hook_that_adds_the_version_to_children_raises(serve: Serve) -> None:
    api = serve(VersionBase.metadata)
    owners = api.crud.resource(Owner, associations=True)

    def add(context: Context) -> None:
        context.add_to_children["count"] = 9

    owners.create.write.before(add)
    assert api.post("/owners", {"name": "a", "cars": [{"name": "b"}]}).status_code == 500
    assert api.rows(Owner) == []


def test_values_that_a_hook_sets_are_counted(serve: Serve) -> None:
    api = serve(VersionBase.metadata)
    cars = api.crud.resource(Car)

    def paint(context: Context) -> None:
        context.attributes["colour"] = "red"

    cars.create.write.before(paint)
    cars.update.write.before(paint)
    created = api.create("/cars", name="a")
    assert (created["colour"], created["rowVersion"]) == ("red", 1)
    changed = api.put("/cars/1", {}).json()
    assert (changed["colour"], changed["rowVersion"]) == ("red", 2)


def test_subclass_in_the_same_table_is_counted(owners: ModelApi) -> None:
    assert owners.create("/cats", name="a", lives=9)["version"] == 1
    assert owners.put("/pets/1", {"name": "b"}).json()["version"] == 2
    assert owners.put("/cats/1", {"lives": 8}).json()["version"] == 3


def test_version_increment_counts_hand_written_update(owners: ModelApi) -> None:
    owners.create("/cars", name="a")
    painted = sa.update(Car).values({"colour": "red", **version_increment(Car)})
    statement = Statement(painted.returning(Car.count), owners.database.dialect)

    async def write() -> list[Any]:
        async with owners.database.writing() as connection:
            return [tuple(row) for row in await connection.fetch_all(statement, ())]

    assert owners.run(write()) == [(2,)]


def test_row_of_a_hooks_session_that_another_writer_changed_is_a_conflict(serve: Serve) -> None:
    api = serve(VersionBase.metadata)
    cars = api.crud.resource(Car)

    def paint(session: Session) -> None:
        car = session.get_one(Car, 1)
        session.execute(sa.text('UPDATE cars SET "rowVersion" = 7'))
        car.colour = "red"

    async def paint_in_session(context: Context) -> None:
        await context.orm(paint)

    cars.update.write.before(paint_in_session)
    api.create("/cars", name="a")
    response = api.put("/cars/1", {"name": "b"})
    assert (response.status_code, response.json()["title"]) == (409, "Conflict")
    assert [(row["name"], row["rowVersion"]) for row in api.rows(Car)] == [("a", 1)]


class OtherBase(DeclarativeBase):
    pass


class Hashed(OtherBase):
    __tablename__ = "hashed"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[str] = mapped_column()
    __mapper_args__: Any = {  # noqa: RUF012 - SQLAlchemy's form
        "version_id_col": version,
        "version_id_generator": lambda before: f"{before}+",
    }


class Stepped(OtherBase):
    __tablename__ = "stepped"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int] = mapped_column()
    __mapper_args__: Any = {  # noqa: RUF012
        "version_id_col": version,
        "version_id_generator": lambda before: (before or 0) + 10,
    }


class Plain(OtherBase):
    __tablename__ = "plain"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def test_other_generator_is_written_through_a_session(serve: Serve) -> None:
    api = serve(OtherBase.metadata)
    for model in (Hashed, Stepped):
        resource = api.crud.resource(model)
        assert resource.session_writes.behaviour.reasons("update")
    assert api.create("/hashed", name="a")["version"] == "None+"
    assert api.put("/hashed/1", {"name": "b"}).json()["version"] == "None++"
    assert api.create("/stepped", name="a")["version"] == 10
    assert api.put("/stepped/1", {"name": "b"}).json()["version"] == 20


@pytest.mark.parametrize("model", [Hashed, Stepped, Plain])
def test_version_increment_of_other_model_raises(model: Any) -> None:
    with pytest.raises(TypeError, match=f"{model.__name__} has no version_id_col that is counted"):
        version_increment(model)
