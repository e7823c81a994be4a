"""Searches of every operator over every type, compared with SQLAlchemy's operators."""

import enum
import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from encore import SearchOptions
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Level(enum.Enum):
    low = "l"
    high = "h"


class Team(Base):
    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    size: Mapped[int | None]


class Task(Base):
    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    note: Mapped[str | None]
    priority: Mapped[int | None]
    weight: Mapped[Decimal | None] = mapped_column(sa.Numeric(6, 2))
    done: Mapped[bool | None]
    due: Mapped[date | None]
    level: Mapped[Level | None]
    uid: Mapped[uuid.UUID | None]
    document: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    team_id: Mapped[int | None] = mapped_column("teamId", sa.ForeignKey("teams.id"))
    team: Mapped[Team | None] = relationship()


UID = uuid.UUID(int=7)
ROWS = [
    Task(
        id=1, title="Wash 5%", note="the car", priority=5, weight=Decimal("1.50"), done=True,
        due=date(2020, 1, 1), level=Level.low, uid=UID, team_id=1,
    ),
    Task(id=2, title="wait", note="5", priority=3, weight=Decimal(5), done=False, team_id=2),
    Task(id=3, title=None, note=None, priority=None),
    Task(id=4, title="5", note="Wait", priority=9, due=date(2021, 5, 5), level=Level.high),
]  # fmt: skip

Found = Callable[[], sa.ColumnElement[bool]]
CASES: list[tuple[SearchOptions, str, Found]] = [
    (SearchOptions(operator="gt", attributes=["priority"]), "3", lambda: Task.priority > 3),
    (SearchOptions(operator="gte", attributes=["priority"]), "5", lambda: Task.priority >= 5),
    (SearchOptions(operator="lt", attributes=["priority"]), "5", lambda: Task.priority < 5),
    (SearchOptions(operator="lte", attributes=["weight"]), "1.5", lambda: Task.weight <= 1.5),
    (SearchOptions(operator="ne", attributes=["priority"]), "5",
     lambda: Task.priority.is_distinct_from(5)),
    (SearchOptions(operator="eq", attributes=["done"]), "true", lambda: Task.done.is_(True)),
    (SearchOptions(operator="eq", attributes=["due"]), "2020-01-01",
     lambda: Task.due == date(2020, 1, 1)),
    (SearchOptions(operator="gt", attributes=["due"]), "2020-01-01",
     lambda: Task.due > date(2020, 1, 1)),
    (SearchOptions(operator="eq", attributes=["level"]), "high", lambda: Task.level == Level.high),
    (SearchOptions(operator="eq", attributes=["uid"]), str(UID), lambda: Task.uid == UID),
    (SearchOptions(operator="in", attributes=["priority"]), "3,9",
     lambda: Task.priority.in_([3, 9])),
    (SearchOptions(operator="notIn", attributes=["priority"]), "3,9",
     lambda: sa.or_(Task.priority.not_in([3, 9]), Task.priority.is_(None))),
    (SearchOptions(operator="between", attributes=["priority"]), "3,5",
     lambda: Task.priority.between(3, 5)),
    (SearchOptions(operator="is_null", attributes=["due"]), "true", lambda: Task.due.is_(None)),
    (SearchOptions(operator="eq", attributes=["title"]), "null", lambda: Task.title == "null"),
    # Several fields of several types: those that cannot hold the text don't match.
    (SearchOptions(operator="eq", attributes=["title", "priority"]), "5",
     lambda: sa.or_(Task.title == "5", Task.priority == 5)),
    (SearchOptions(operator="eq", attributes=["title", "priority"]), "wait",
     lambda: Task.title == "wait"),
    (SearchOptions(operator="eq"), "5",
     lambda: sa.or_(Task.title == "5", Task.note == "5", Task.priority == 5, Task.weight == 5,
                    Task.id == 5, Task.team_id == 5)),
    # Text, in Finale's spellings too; negation is by field, null never matches.
    (SearchOptions(), "WA", lambda: sa.or_(Task.title.icontains("wa"), Task.note.icontains("wa"))),
    (SearchOptions(operator="iLike", attributes=["title"]), "5%",
     lambda: Task.title.icontains("5%", autoescape=True)),
    (SearchOptions(operator="substring", attributes=["title"]), "ai",
     lambda: Task.title.icontains("ai")),
    (SearchOptions(operator="startsWith", attributes=["title"]), "WA",
     lambda: Task.title.istartswith("wa")),
    (SearchOptions(operator="endsWith", attributes=["title"]), "IT",
     lambda: Task.title.iendswith("it")),
    (SearchOptions(operator="not_like", attributes=["title"]), "wa",
     lambda: ~Task.title.icontains("wa")),
    (SearchOptions(operator="notILike", attributes=["title", "note"]), "wa",
     lambda: sa.or_(~Task.title.icontains("wa"), ~Task.note.icontains("wa"))),
    (SearchOptions(operator="notLike"), "%",
     lambda: sa.or_(~Task.title.contains("%", autoescape=True), Task.note.is_not(None))),
    (SearchOptions(operator="like", attributes=["title"], override="STARTS_WITH"), "wA",
     lambda: Task.title.istartswith("wa")),
    # Through a relation: a related row matches.
    (SearchOptions(operator="gt", attributes=["team.size"]), "3",
     lambda: Task.team.has(Team.size > 3)),
    (SearchOptions(operator="eq", attributes=["$team.name$", "priority"]), "9",
     lambda: sa.or_(Task.team.has(Team.name == "9"), Task.priority == 9)),
    (SearchOptions(operator="notLike", attributes=["team.name"]), "red",
     lambda: Task.team.has(~Team.name.icontains("red"))),
]  # fmt: skip


@pytest.fixture
def tasks(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)

    def fill(session: Session) -> None:
        session.add_all([Team(id=1, name="Red", size=3), Team(id=2, name="Blue", size=4)])
        session.flush()
        for row in ROWS:
            session.merge(row)

    api.orm(fill)
    return api


def test_search_finds_what_the_orm_finds(tasks: ModelApi) -> None:
    for number, (options, _, _) in enumerate(CASES):
        tasks.crud.resource(
            Task, endpoints=[f"/s{number}"], actions=["list"], search=options, include=["team"]
        )
    for number, (options, text, found) in enumerate(CASES):
        wanted = sa.select(Task.id).where(found()).order_by(Task.id)
        expected = tasks.orm(partial(_scalars, wanted))
        answer = tasks.get(f"/s{number}", params={"q": text})
        assert answer.status_code == 200, (options, answer.text)
        assert [row["id"] for row in answer.json()] == expected, (options, text)
        assert tasks.get(f"/s{number}?q=").status_code == 200  # No search at all, as in Finale.


def _scalars(query: sa.Select[Any], session: Session) -> list[int]:
    return list(session.scalars(query))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (SearchOptions(operator="gt", attributes=["priority"]), "many"),
        (SearchOptions(operator="gt", attributes=["priority"]), "9" * 400),
        (SearchOptions(operator="eq", attributes=["done", "due"]), "perhaps"),
        (SearchOptions(operator="between", attributes=["priority"]), "3"),
        (SearchOptions(operator="is_null", attributes=["due"]), "perhaps"),
        (SearchOptions(operator="in", attributes=["uid"]), "x"),
    ],
)
def test_search_text_invalid_for_all_fields_is_rejected(
    tasks: ModelApi, options: SearchOptions, text: str
) -> None:
    tasks.crud.resource(Task, actions=["list"], search=options)
    answer = tasks.get("/tasks", params={"q": text})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["q"]
