"""Uploads without ``natural_key``: each request chooses a unique key."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from encore import ConfigurationError
from encore.openapi.document import make_document
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.openapi import resolved
from tests.fixtures.uploads import NDJSON, ndjson, statuses

PARTIAL = sa.text("name = 'unique'")


class Base(DeclarativeBase):
    pass


class Tool(Base):
    __tablename__ = "tools"
    __table_args__ = (
        sa.UniqueConstraint("shop", "code"),
        sa.UniqueConstraint("secret"),
        sa.Index(
            "uq_tools_name", "name", unique=True, sqlite_where=PARTIAL, postgresql_where=PARTIAL
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop: Mapped[str] = mapped_column(sa.String(10), default="main")
    code: Mapped[str | None] = mapped_column(sa.String(10))
    serial: Mapped[int | None] = mapped_column(unique=True)
    secret: Mapped[str | None]
    name: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")
    __mapper_args__: Any = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's form


class Jig(Base):
    """Needs ORM sessions."""

    __tablename__ = "jigs"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]

    @validates("name")
    def check_name(self, _: str, value: str) -> str:
        return value


class Place(Base):
    __tablename__ = "places"

    id: Mapped[int] = mapped_column(sa.Identity(always=True), primary_key=True)
    name: Mapped[str | None]


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    tools = api.crud.resource(Tool, exclude_attributes=["secret"])
    api.crud.upload(tools, part_rows=3)
    return api


def upload(api: ModelApi, rows: Any, **params: str) -> Any:
    response = api.post("/tools/upload", rows, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def names(api: ModelApi) -> list[Any]:
    return [row["name"] for row in api.read("/tools", sort="id")]


def test_each_unique_key_matches_rows(api: ModelApi) -> None:
    upload(api, [{"code": "a", "serial": 1, "name": "one"}, {"serial": 2, "name": "two"}])
    first = api.read("/tools", sort="id")[0]
    assert statuses(upload(api, [{"id": first["id"], "name": "ONE"}])) == ["updated"]
    rows = [{"serial": 2, "name": "TWO"}, {"serial": 3, "name": "three"}, {"name": "none"}]
    assert statuses(upload(api, rows, key="serial")) == ["updated", "created", "created"]
    row = {"shop": "main", "code": "a", "name": "one", "serial": 7}
    assert statuses(upload(api, [row], key="shop,code")) == ["updated"]
    assert names(api) == ["one", "TWO", "three", "none"]
    stored = api.read("/tools", sort="id")[0]
    assert (stored["id"], stored["serial"], stored["version"]) == (first["id"], 7, 3)


def test_id_is_not_written_by_another_key(api: ModelApi) -> None:
    response = api.post("/tools/upload", [{"id": 7, "serial": 1}], params={"key": "serial"})
    assert response.status_code == 400
    assert response.json()["errors"] == [{"field": "id", "message": "line 1: id is read-only"}]


@pytest.mark.parametrize("key", ["name", "secret", "code", "code,shop", "none", ""])
def test_other_fields_are_no_key(api: ModelApi, key: str) -> None:
    response = api.post("/tools/upload", [], params={"key": key})
    assert response.json()["errors"][0]["message"].startswith(
        "key must be id or serial or shop,code: "
    )


def test_openapi_lists_the_keys(api: ModelApi) -> None:
    parameters = resolved(make_document(api.app))["paths"]["/tools/upload"]["post"]["parameters"]
    (schema,) = (p["schema"] for p in parameters if p["name"] == "key")
    assert schema == {"type": "string", "enum": ["id", "serial", "shop,code"], "default": "id"}


@pytest.mark.parametrize("mode", ["atomic", "partial"])
def test_generated_ids_avoid_given_ids_in_all_parts(api: ModelApi, mode: str) -> None:
    rows = [{"name": "new"}, {"name": "new"}, *({"id": n, "name": "given"} for n in range(1, 8))]
    response = api.post(
        f"/tools/upload?mode={mode}", content=ndjson(rows), headers={"Content-Type": NDJSON}
    )
    assert statuses(response.json()) == ["created"] * 9
    stored = [(row["id"], row["name"]) for row in api.read("/tools", sort="id")]
    assert stored[:7] == [(n, "given") for n in range(1, 8)]
    assert [name for _, name in stored[7:]] == ["new", "new"]
    highest = stored[-1][0]
    assert api.post("/tools", {"name": "next"}).json()["id"] > highest


def test_low_given_id_does_not_let_ids_be_reused(api: ModelApi) -> None:
    last = upload(api, [{"name": "a"}, {"name": "b"}])["rows"][1]["id"]
    for row in api.read("/tools"):
        api.sql(f"DELETE FROM tools WHERE id = {row['id']}")
    upload(api, [{"id": 1, "name": "given"}])
    assert upload(api, [{"name": "new"}])["rows"][0]["id"] > last


def test_model_written_by_sessions_takes_given_ids(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.upload(api.crud.resource(Jig))
    rows = [{"id": 5, "name": "five"}, {"name": "new"}]
    report = api.post("/jigs/upload", rows).json()
    assert statuses(report) == ["created", "created"]
    new = report["rows"][1]["id"]
    rows = [{"id": 5, "name": "FIVE"}, {"id": new, "name": "new"}]
    assert statuses(api.post("/jigs/upload", rows).json()) == ["updated", "unchanged"]
    assert [(row["id"], row["name"]) for row in api.read("/jigs", sort="id")] == [
        (5, "FIVE"),
        (new, "new"),
    ]


def test_resource_without_key_for_callers_needs_natural_key(serve: Serve) -> None:
    api = serve(Base.metadata)
    places = api.crud.resource(Place)
    with pytest.raises(ConfigurationError, match="option natural_key: is required: there is no"):
        api.crud.upload(places)
    jigs = api.crud.resource(Jig)
    for options in ({"owned_by": ["name"]}, {"previous_key": {"name": "former"}}):
        with pytest.raises(ConfigurationError, match="needs natural_key"):
            api.crud.upload(jigs, **options)
