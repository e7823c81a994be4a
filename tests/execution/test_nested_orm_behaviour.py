"""Related rows of models that need sessions: written as the ORM writes them."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    attribute_keyed_dict,
    mapped_column,
    relationship,
    validates,
)

from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve


class TeamBase(DeclarativeBase):
    pass


team_badges = sa.Table(
    "team_badges",
    TeamBase.metadata,
    sa.Column("team_id", sa.ForeignKey("teams.id"), primary_key=True),
    sa.Column("badge_id", sa.ForeignKey("badges.id"), primary_key=True),
)


class Team(TeamBase):
    """Plain itself; what is below it is not."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    members: Mapped[list["Member"]] = relationship(
        cascade="all, delete-orphan", order_by="Member.id", back_populates="team"
    )
    badges: Mapped[set["Badge"]] = relationship(secondary=team_badges, order_by="Badge.id")
    rooms: Mapped[dict[str, "Room"]] = relationship(
        collection_class=attribute_keyed_dict("code"), order_by="Room.id"
    )


class Person(TeamBase):
    __tablename__ = "persons"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    __mapper_args__: Any = {"polymorphic_on": "kind", "polymorphic_identity": "person"}  # noqa: RUF012 - SQLAlchemy's form


class Member(Person):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(sa.ForeignKey("persons.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(sa.ForeignKey("teams.id"))
    team: Mapped[Team] = relationship(back_populates="members")
    __mapper_args__: Any = {"polymorphic_identity": "member"}  # noqa: RUF012

    @validates("name")
    def check_name(self, _: str, value: str) -> str:
        if value == "bad":
            raise ValueError("is a bad name")
        return value.title()


class Badge(TeamBase):
    __tablename__ = "badges"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]

    @validates("title")
    def check_title(self, _: str, value: str) -> str:
        return value.upper()


class Room(TeamBase):
    __tablename__ = "rooms"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("teams.id"))

    @validates("code")
    def check_code(self, _: str, value: str) -> str:
        return value.lower()


@pytest.fixture
def teams(serve: Serve) -> ModelApi:
    api = serve(TeamBase.metadata)
    api.crud.resource(Team, associations=True)
    api.crud.resource(Member, include=["team"])
    api.crud.resource(Badge)
    return api


def test_nested_rows_with_validators_are_written(teams: ModelApi) -> None:
    team = teams.create(
        "/teams",
        name="A",
        members=[{"name": "ada"}, {"name": "bob"}],
        badges=[{"title": "gold"}],
        rooms=[{"code": "R1"}],
    )
    assert [(row["name"], row["kind"]) for row in team["members"]] == [
        ("Ada", "member"),
        ("Bob", "member"),
    ]
    assert [row["title"] for row in team["badges"]] == ["GOLD"]
    assert [row["code"] for row in team["rooms"]] == ["r1"]
    assert team["rooms"][0]["team_id"] == team["id"]
    names = teams.orm(lambda s: [member.name for member in s.get_one(Team, 1).members])
    assert names == ["Ada", "Bob"]


def test_nested_row_rejected_by_validator_is_named(teams: ModelApi) -> None:
    body = {"name": "A", "members": [{"name": "ada"}, {"name": "bad"}]}
    assert_field_errors(teams.post("/teams", body), 400, "members.1.name")
    assert_field_errors(teams.post("/teams", {"name": "A", "members": [{}]}), 400, "members.0.name")
    assert teams.rows(Team) == teams.rows(Person) == []


def test_existing_rows_are_connected_and_missing_ones_rejected(teams: ModelApi) -> None:
    teams.create("/badges", title="gold")
    team = teams.create("/teams", name="A", badges=[{"id": 1}, {"title": "new"}])
    assert [row["title"] for row in team["badges"]] == ["GOLD", "NEW"]
    assert_field_errors(teams.post("/teams", {"name": "B", "badges": [{"id": 9}]}), 409, "badges.0")
    assert len(teams.rows(Team)) == 1


def test_row_in_other_parents_body_is_moved(teams: ModelApi) -> None:
    for name in ("A", "B"):
        teams.create("/teams", name=name)
    member = teams.create("/members", name="ada", team={"id": 1})
    assert (member["name"], member["team"]["name"]) == ("Ada", "A")
    moved = teams.put("/members/1", {"team": {"id": 2}}).json()
    assert (moved["team"]["name"], moved["team_id"]) == ("B", 2)
    made = teams.put("/members/1", {"name": "eve", "team": {"name": "C"}}).json()
    assert (made["name"], made["team"]["name"]) == ("Eve", "C")
