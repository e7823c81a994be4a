"""Hidden attributes: clients neither read nor write them; write-only ones they may write."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore.openapi.components import InlineComponents
from encore.openapi.schemas import create_schema, update_schema
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Team(Base):
    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    members: Mapped[list["Member"]] = relationship(back_populates="team")


class Member(Base):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    is_admin: Mapped[int] = mapped_column("isAdmin", default=0)
    salt: Mapped[str | None] = mapped_column(unique=True)
    password: Mapped[str | None] = mapped_column(sa.String(20), unique=True)
    team_id: Mapped[int | None] = mapped_column("teamId", sa.ForeignKey("teams.id"))
    team: Mapped[Team | None] = relationship(back_populates="members")


HIDDEN = {"isAdmin": 1, "salt": "forged"}
OPTIONS: dict[str, Any] = {
    "exclude_attributes": ["isAdmin", "salt"],
    "write_only_attributes": ["password"],
}


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    return serve(Base.metadata)


def stored(api: ModelApi, name: str = "ada") -> tuple[int, str | None, str | None]:
    rows = {row["name"]: row for row in api.rows(Member)}
    return rows[name]["isAdmin"], rows[name]["salt"], rows[name]["password"]


def test_hidden_attributes_are_answered_as_unknown_names_and_not_written(api: ModelApi) -> None:
    api.crud.resource(Member, **OPTIONS)
    unknown = {"isXdmin": 1, "sxlt": "forged"}
    api.create("/members", name="ada")
    for method, path in (("POST", "/members"), ("PUT", "/members/1"), ("PATCH", "/members/1")):
        answers = [
            api.request(method, path, json={"name": name, **names}).status_code
            for name, names in (("eve", HIDDEN), ("bob", unknown))
        ]
        assert answers[0] == answers[1], (method, answers)
    assert {(row["isAdmin"], row["salt"]) for row in api.rows(Member)} == {(0, None)}


def test_write_only_attributes_are_written_and_not_output(api: ModelApi) -> None:
    api.crud.resource(Member, **OPTIONS)
    row = api.create("/members", name="ada", password="one")
    assert row == {"id": 1, "name": "ada", "teamId": None}
    assert stored(api) == (0, None, "one")
    assert api.put("/members/1", {"password": "two"}).json() == row
    assert stored(api) == (0, None, "two")
    assert api.put("/members/1", {"password": "x" * 21}).status_code == 400
    assert api.get("/members", params={"password": "two"}).status_code == 400


def test_conflict_of_a_hidden_attribute_names_no_field(api: ModelApi) -> None:
    api.crud.resource(Member, **OPTIONS)
    api.create("/members", name="ada", password="one")
    response = api.post("/members", {"name": "bob", "password": "one"})
    assert (response.status_code, response.json()["errors"]) == (409, [])
    response = api.post("/members", {"name": "ada"})
    assert [error["field"] for error in response.json()["errors"]] == ["name"]


def test_replacing_a_row_keeps_what_no_get_shows(api: ModelApi) -> None:
    api.crud.resource(Member, **OPTIONS, put_replaces=True)
    api.create("/members", name="ada", password="one")
    api.sql("UPDATE members SET \"isAdmin\" = 1, salt = 'real'")
    assert api.put("/members/1", {"name": "ada"}).status_code == 200
    assert stored(api) == (1, "real", "one")


def test_hidden_attributes_of_nested_rows_are_not_written_and_write_only_ones_are(
    api: ModelApi,
) -> None:
    api.crud.resource(
        Team,
        include=["members"],
        exclude_attributes={"members": ["isAdmin", "salt"]},
        write_only_attributes={"members": ["password"]},
    )
    api.post("/teams", {"members": [{"name": "eve", **HIDDEN}]})
    assert [row["isAdmin"] for row in api.rows(Member)] in ([], [0])
    team = api.create("/teams", members=[{"name": "ada", "password": "one"}])
    assert team["members"][0].keys() == {"id", "name", "teamId"}
    assert stored(api) == (0, None, "one")


def test_upload_takes_write_only_columns_and_no_hidden_ones(api: ModelApi) -> None:
    api.crud.upload(api.crud.resource(Member, **OPTIONS), natural_key=["name"])

    def send(content: str) -> Any:
        headers = {"content-type": "text/csv"}
        return api.request("POST", "/members/upload", content=content, headers=headers)

    hidden, unknown = send("name,salt\nada,x\n"), send("name,sxlt\nada,x\n")
    assert hidden.status_code == unknown.status_code == 400
    assert hidden.json()["detail"] == unknown.json()["detail"].replace("sxlt", "salt")
    assert send("name,password\nada,one\n").json()["created"] == 1
    assert send("name\nada\n").json()["unchanged"] == 1
    assert stored(api) == (0, None, "one")
    api.post("/members/upload", [{"name": "ada", **HIDDEN}])
    assert stored(api) == (0, None, "one")


def test_openapi_marks_write_only_attributes_and_has_no_hidden_ones(api: ModelApi) -> None:
    members = api.crud.resource(Member, **OPTIONS)
    for make in (create_schema, update_schema):
        properties = make(members, InlineComponents())["properties"]
        assert not {"isAdmin", "salt"} & properties.keys()
        assert properties["password"]["writeOnly"] is True
        assert "writeOnly" not in properties["name"]
