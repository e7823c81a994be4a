"""Relations whose keys are more than one equal column of one table each.

Overlapping foreign keys, columns that the database compares in its own way, inheritance over
several tables at either end, and an alias that is related to itself.
"""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    foreign,
    mapped_column,
    relationship,
    remote,
)

from tests.fixtures.models import ModelApi, Serve


class KeysBase(DeclarativeBase):
    pass


class Writer(KeysBase):
    __tablename__ = "writers"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    paper_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    articles: Mapped[list["Article"]] = relationship(back_populates="writer")


class Article(KeysBase):
    """Its foreign keys to paper and writer share a column."""

    __tablename__ = "articles"
    __table_args__ = (
        sa.ForeignKeyConstraint(["writer_id", "paper_id"], ["writers.id", "writers.paper_id"]),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[int] = mapped_column(sa.ForeignKey("papers.id"))
    writer_id: Mapped[int | None]
    paper: Mapped["Paper"] = relationship(overlaps="articles,writer")
    writer: Mapped[Writer | None] = relationship(
        back_populates="articles",
        primaryjoin=lambda: sa.and_(
            Writer.id == foreign(Article.writer_id), Writer.paper_id == Article.paper_id
        ),
    )


class Paper(KeysBase):
    __tablename__ = "papers"

    id: Mapped[int] = mapped_column(primary_key=True)


class Label(KeysBase):
    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str | None] = mapped_column(
        sa.String(10, collation="NOCASE").with_variant(sa.String(10), "postgresql")
    )
    same: Mapped[list["Word"]] = relationship(
        primaryjoin=lambda: Label.word == remote(foreign(Word.word)), viewonly=True, uselist=True
    )


class Word(KeysBase):
    __tablename__ = "words"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str | None] = mapped_column(
        sa.String(10, collation="NOCASE").with_variant(sa.String(10), "postgresql")
    )


class Garage(KeysBase):
    __tablename__ = "garages"

    id: Mapped[int] = mapped_column(primary_key=True)
    vehicles: Mapped[list["Vehicle"]] = relationship(back_populates="garage")
    trucks: Mapped[list["Truck"]] = relationship(viewonly=True, order_by="Truck.load.desc()")
    loaded: Mapped[list["Truck"]] = relationship(
        primaryjoin="and_(Garage.id == Vehicle.garage_id, Truck.load > 3)", viewonly=True
    )


class Vehicle(KeysBase):
    __tablename__ = "vehicles"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "v"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    garage_id: Mapped[int | None] = mapped_column(sa.ForeignKey("garages.id"))
    towed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trucks.id"))
    garage: Mapped[Garage | None] = relationship(back_populates="vehicles")


class Truck(Vehicle):
    __tablename__ = "trucks"
    id: Mapped[int] = mapped_column(sa.ForeignKey("vehicles.id"), primary_key=True)
    __mapper_args__ = {  # noqa: RUF012
        "polymorphic_identity": "t",
        "inherit_condition": id == Vehicle.id,  # noqa: A003 - the column above
    }

    load: Mapped[int | None]
    wheels: Mapped[list["Wheel"]] = relationship(back_populates="truck")
    towed: Mapped[list[Vehicle]] = relationship(foreign_keys="Vehicle.towed_by_id")


class Wheel(KeysBase):
    __tablename__ = "wheels"

    id: Mapped[int] = mapped_column(primary_key=True)
    truck_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trucks.id"))
    truck: Mapped[Truck | None] = relationship(back_populates="wheels")


class Step(KeysBase):
    __tablename__ = "steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    after_id: Mapped[int | None] = mapped_column(sa.ForeignKey("steps.id"))
    name: Mapped[str]


_loud = sa.select(Step.id, Step.after_id, sa.func.upper(Step.name).label("name")).subquery()
LoudStep = aliased(Step, _loud, adapt_on_names=True)
Step.loud = relationship(LoudStep, primaryjoin=Step.id == foreign(LoudStep.after_id), viewonly=True)


FORMS: list[tuple[type[Any], str]] = [
    (Writer, "articles"),
    (Article, "paper"),
    (Article, "writer"),
    (Label, "same"),
    (Garage, "vehicles"),
    (Garage, "trucks"),
    (Garage, "loaded"),
    (Vehicle, "garage"),
    (Truck, "garage"),
    (Truck, "wheels"),
    (Truck, "towed"),
    (Wheel, "truck"),
    (Step, "loud"),
]


@pytest.fixture
def keyed(serve: Serve) -> ModelApi:
    """Rows of every class, each relation with rows and without."""
    api = serve(KeysBase.metadata)
    api.orm(_fill)
    for model in dict.fromkeys(model for model, _ in FORMS):
        api.crud.resource(model, associations=True, actions=["list", "read"])
    return api


def _fill(session: Session) -> None:
    session.add_all([Paper(id=1), Paper(id=2), Garage(id=1), Garage(id=2)])
    session.flush()
    session.add_all([Writer(id=1, paper_id=1), Writer(id=1, paper_id=2), Writer(id=2, paper_id=1)])
    session.flush()
    session.add_all(
        Article(paper_id=p, writer_id=w) for p, w in ((1, 1), (2, 1), (1, None), (1, 2), (2, 1))
    )
    session.add_all(Label(word=w) for w in ("a", "B", None, "ab"))
    session.add_all(Word(word=w) for w in ("A", "a", "b", None, "abc"))
    for n, garage in ((1, 1), (2, 1), (5, 1), (None, 2), (3, None)):
        session.add(Truck(load=n, garage_id=garage))
        session.add(Vehicle(garage_id=garage))
        session.flush()
    for vehicle in session.scalars(sa.select(Vehicle).where(Vehicle.id < 4)):
        vehicle.towed_by_id = 7
    session.add_all(Wheel(truck_id=t) for t in (1, 1, 3, None))
    for n, after in ((1, None), (2, 1), (3, 1), (4, 2)):
        session.add(Step(id=n, after_id=after, name=f"s{n}"))
        session.flush()


def _key(row: Any, model: type[Any]) -> tuple[Any, ...]:
    names = [column.name for column in sa.inspect(model).primary_key]
    read = row.get if isinstance(row, dict) else lambda name: getattr(row, name)
    return tuple(read(name) for name in names)


def _shown(value: Any, model: type[Any], name: str) -> list[Any]:
    rows = list(value) if isinstance(value, list) else [value] if value else []
    keys = [_key(row, model) for row in rows]
    return keys if name == "trucks" else sorted(keys)


def test_relation_over_such_keys_is_as_the_orm_loads_it(keyed: ModelApi) -> None:
    for model, name in FORMS:
        mapper = sa.inspect(model)
        target = mapper.relationships[name].mapper.class_

        def work(
            session: Session, model: type[Any] = model, name: str = name, target: Any = target
        ) -> dict[Any, list[Any]]:
            rows = session.scalars(sa.select(model))
            return {_key(row, model): _shown(getattr(row, name), target, name) for row in rows}

        expected = keyed.orm(work)
        path = f"/{model.__tablename__}"
        rows = keyed.read(path)
        assert {_key(r, model): _shown(r[name], target, name) for r in rows} == expected
        for key, related in expected.items():
            one = f"{path}/{'/'.join(map(str, key))}"
            assert _shown(keyed.read(one)[name], target, name) == related, one
            nested = keyed.get(f"{one}/{name}")
            value = nested.json() if nested.status_code == 200 else None
            assert _shown(value, target, name) == related, (one, name)
        for related_key in {one for each in expected.values() for one in each}:
            names = [f"{name}.{c.name}" for c in sa.inspect(target).primary_key]
            found = keyed.read(path, **dict(zip(names, related_key, strict=True)))
            if len(names) == 1:
                having = {key for key, related in expected.items() if related_key in related}
                assert {_key(row, model) for row in found} == having, (name, related_key)


def test_alias_of_a_select_shows_what_it_selects(keyed: ModelApi) -> None:
    assert [row["name"] for row in keyed.read("/steps/1")["loud"]] == ["S2", "S3"]
    assert [row["name"] for row in keyed.read("/steps/1/loud")] == ["S2", "S3"]
    assert keyed.read("/steps/1/loud", name="S3") == [{"id": 3, "after_id": 1, "name": "S3"}]
    assert [row["id"] for row in keyed.read("/steps", **{"loud.name__eq": "S4"})] == [2]


def test_nested_row_of_several_tables_is_written_whole(keyed: ModelApi) -> None:
    keyed.crud.resource(Wheel, endpoints=("/new", "/new/{id}"), include=["truck"])
    made = keyed.post("/new", {"truck": {"load": 9}})
    assert made.status_code == 201, made.text
    truck = made.json()["truck"]
    assert (truck["load"], truck["kind"]) == (9, "t")
    assert keyed.read(f"/trucks/{truck['id']}")["load"] == 9
    assert keyed.post("/new", {"truck": {"id": 3}}).json()["truck"]["load"] == 2
