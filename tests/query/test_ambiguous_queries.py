"""Queries with several possible meanings, or none: executed as documented, or rejected."""

import enum
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Mood(enum.Enum):
    good = "g"
    bad = "b"


class Owner(Base):
    __tablename__ = "owners"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    pets: Mapped[list["Pet"]] = relationship(back_populates="owner")


class Pet(Base):
    __tablename__ = "pets"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    age: Mapped[int | None]
    weight: Mapped[float | None] = mapped_column(sa.Double)
    mood: Mapped[Mood | None]
    count: Mapped[int | None]
    owner_id: Mapped[int | None] = mapped_column("ownerId", sa.ForeignKey("owners.id"))
    owner: Mapped[Owner | None] = relationship(back_populates="pets")


@pytest.fixture
def pets(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)

    def fill(session: Session) -> None:
        session.add(Owner(id=1, name="Ann"))
        session.flush()
        session.add_all(
            [
                Pet(id=1, name="Rex", age=3, weight=1.5, mood=Mood.good, count=5, owner_id=1),
                Pet(id=2, name="null", age=None),
                Pet(id=3, name=None, age=7, weight=2.0, mood=Mood.bad, count=6),
                Pet(id=4, name='["a"]', age=7),
            ]
        )

    api.orm(fill)
    api.crud.resource(Pet, include=["owner"], presets={"old": lambda: Pet.age > 5})
    api.crud.resource(Owner, include=["pets"])
    api.crud.resource(Pet, endpoints=["/unpaged"], actions=["list"], pagination=False)
    return api


CARRIED_OUT: list[tuple[str, list[int]]] = [
    # Null is null wherever it has a meaning; the text is written in quotes.
    ("name=null", [3]),
    ('name="null"', [2]),
    ("name__ne=null", [1, 2, 4]),
    ('name__ne="null"', [1, 3, 4]),
    ('name__ne=["Rex"]', [2, 3, 4]),
    ('name__gte="null"&name__lt=o', [2]),
    ("name__like=null", [2]),
    ("name__in=null,Rex", [1, 3]),
    ('name__in=["null"]', [2]),
    ("name__not_in=null", [1, 2, 4]),
    ("name__not_in=null,Rex", [2, 4]),
    ('name="[\\"a\\"]"', [4]),
    ("mood=null", [2, 4]),
    ("mood__ne=null", [1, 3]),
    # Lists of nothing.
    ("name__in=[]", []),
    ("name__not_in=[]", [1, 2, 3, 4]),
    ("name=[]", []),
    ("name__in=", []),  # One text, the empty one.
    # Several parameters are all to hold; of one filter's values any.
    ("age=3&age=7", [1, 3, 4]),
    ("age__gt=3&age__lt=3", []),
    ("age__between=9,1", []),
    ("or=age=3|name=null&or=age=7", [3]),
    ("not=age=3&not=age=7", []),  # Unknown (null) is not "not".
    ("or=owner.name=an|age__is_null=true", [1, 2]),
    ("or=count=5|count__gt=5", [1, 3]),  # In a group a name is always a field.
    ("count__eq=5", [1]),
    ("preset=old&preset=old", [3, 4]),
    ("sort=-age,age&sort=id", [3, 4, 1, 2]),
    ("q=", [1, 2, 3, 4]),
    ("age=[3]&count=1", [1]),
]

REFUSED: list[tuple[str, str, str]] = [
    ("name__gt=null", "name__gt", "must not be null"),
    ("age__lte=null", "age__lte", "must not be null"),
    ("age__between=null,1", "age__between", "must be two values"),
    ("name__between=a", "name__between", "must be two values"),
    ('name__ne=["a","b"]', "name__ne", "must be one value"),
    ("age__ne=[1,2]", "age__ne", "must be one value"),
    ("name__ne=[]", "name__ne", "must be one value"),
    ("age__gt=[1]&age__gt=2", "age__gt", "must be given once"),
    ("name__like=a&name__like=b", "name__like", "must be given once"),
    ("age__is_null=null", "age__is_null", "must be true or false"),
    ("age__is_null=", "age__is_null", "must be true or false"),
    ("age__in=", "age__in", "must be"),
    ("age__in=1,,2", "age__in", "must be"),
    ("weight=NaN", "weight", "must be a finite number"),
    ("weight__gt=Infinity", "weight__gt", "must be a finite number"),
    ("weight__in=1,-inf", "weight__in", "must be a finite number"),
    ("weight=[NaN]", "weight", "must be a finite number"),
    ("mood__gt=good", "mood__gt", "is not a parameter"),
    ("mood=Good", "mood", "must be one of"),
    ("age__near=3", "age__near", "is not a parameter"),
    ("owner__eq=1", "owner__eq", "is not a parameter"),
    ("owner=1", "owner", "is not a parameter"),
    ("owner.pets.name=a", "owner.pets.name", "is not a parameter"),
    ("Name=Rex", "Name", "did you mean name?"),
    ("name__EQ=Rex", "name__EQ", "did you mean name__eq?"),
    ("or=", "or", "must have conditions"),
    ("or=age=3|", "or", "must have conditions"),
    ("not=age", "not", "must have conditions"),
    ("or=q=x|age=3", "or", "must have filters by fields"),
    ("or=preset=old|age=3", "or", "must have filters by fields"),
    ("or=or=age=3", "or", "must have filters by fields"),
    ("or=sort=age|age=3", "sort", "is not a parameter"),
    ("count=1&count=1", "count", "must be given once"),
    ("offset=1&offset=0", "offset", "must be given once"),
    ("page=1&page=1", "page", "must be given once"),
    ("preset=", "preset", "must be one of old"),
    ("fields=", "fields", "may name"),
    ("children=cousins", "children", "may name"),
]


def test_unambiguous_query_is_executed(pets: ModelApi) -> None:
    for query, expected in CARRIED_OUT:
        answer = pets.get(f"/pets?{query}")
        assert answer.status_code == 200, (query, answer.text)
        assert [row["id"] for row in answer.json()] == expected, query


def test_ambiguous_query_is_rejected_by_name(pets: ModelApi) -> None:
    for query, field, message in REFUSED:
        answer = pets.get(f"/pets?{query}")
        assert answer.status_code == 400, query
        assert [error["field"] for error in answer.json()["errors"]] == [field], query
        assert message in answer.json()["errors"][0]["message"], query


def test_unknown_filter_in_a_group_of_a_lenient_caller_is_rejected(pets: ModelApi) -> None:
    lenient: dict[str, Any] = {"headers": {"Prefer": "handling=lenient"}}
    assert len(pets.get("/pets?zzz=1", **lenient).json()) == 4
    for query in ("or=zzz=1|age=3", "not=zzz=1", "age=x", "count=1&count=1", "name__gt=null"):
        assert pets.get(f"/pets?{query}", **lenient).status_code == 400, query


def test_children_embeds_the_relations_named_and_no_others(pets: ModelApi) -> None:
    assert "owner" in pets.read("/pets/1")
    assert pets.read("/pets/1", children="owner")["owner"]["name"] == "Ann"
    assert "owner" not in pets.read("/pets/1", children="")
    assert all("owner" not in row for row in pets.read("/pets", children=""))


def test_list_without_pages_has_no_count_and_no_page(pets: ModelApi) -> None:
    assert [row["id"] for row in pets.read("/unpaged", count="5")] == [1]  # The field.
    assert pets.get("/unpaged?page=1").status_code == 400
    assert [row["id"] for row in pets.read("/unpaged", offset="3")] == [4]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "items 0-3/4"),
        ("count=2", "items 0-1/4"),
        ("count=2&page=1", "items 2-3/4"),
        ("count=2&page=2", "items */4"),
        ("offset=4", "items */4"),
        ("offset=1000000000000", "items */4"),
        ("age=7&offset=2", "items */2"),
        ("age=99", "items 0-0/0"),
        ("age=99&offset=5", "items 0-0/0"),
    ],
)
def test_content_range_of_a_page_past_the_end_is_unsatisfied(
    pets: ModelApi, query: str, expected: str
) -> None:
    assert pets.get(f"/pets?{query}").headers["content-range"] == expected
