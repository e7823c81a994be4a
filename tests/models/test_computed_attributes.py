"""Attributes computed by SQL: output, filtered and sorted as in the ORM, never written."""

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    mapped_column,
    relationship,
    synonym,
)

from encore import ConfigurationError
from tests.fixtures.models import ModelApi, Serve


class ComputedBase(DeclarativeBase):
    pass


class Child(ComputedBase):
    __tablename__ = "children"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(sa.ForeignKey("parents.id"))
    weight: Mapped[int]


class Parent(ComputedBase):
    __tablename__ = "parents"

    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[str]
    last: Mapped[str] = mapped_column("lastName")
    surname: Mapped[str] = synonym("last")
    weight: Mapped[int | None] = column_property(
        sa.select(sa.func.sum(Child.weight))
        .where(Child.parent_id == id)  # noqa: A003 - the column above
        .scalar_subquery()
    )
    children: Mapped[list[Child]] = relationship()
    weights: AssociationProxy[list[int]] = association_proxy("children", "weight")

    @hybrid_property
    def whole(self) -> str:
        return self.first + " " + self.last

    @hybrid_property
    def python_only(self) -> int:
        return len([self.first])


HIDDEN = ["weights", "python_only"]
SHOWN = ("id", "first", "last", "surname", "weight", "whole")


def family(serve: Serve, **options: object) -> ModelApi:
    api = serve(ComputedBase.metadata)
    api.crud.resource(Parent, exclude_attributes=HIDDEN, **options)
    api.crud.resource(Child)
    for first, weights in (("Ada", [1, 2]), ("Bob", []), ("Cy", [7])):
        row = api.create("/parents", first=first, lastName="X")
        for weight in weights:
            api.create("/children", parent_id=row["id"], weight=weight)
    return api


def test_computed_attributes_are_what_the_orm_gives(serve: Serve) -> None:
    api = family(serve)
    stored = api.orm(
        lambda s: [[getattr(p, n) for n in SHOWN] for p in s.scalars(sa.select(Parent))]
    )
    rows = api.read("/parents")
    columns = {"last": "lastName"}
    assert [[row[columns.get(n, n)] for n in SHOWN] for row in rows] == stored
    assert api.read("/parents/1") == rows[0]


def test_computed_attributes_are_filtered_and_sorted(serve: Serve) -> None:
    api = family(serve)
    assert [row["id"] for row in api.read("/parents", whole="Cy X")] == [3]
    assert [row["id"] for row in api.read("/parents", weight__gte=3)] == [1, 3]
    assert [row["id"] for row in api.read("/parents", sort="-weight")] == [3, 1, 2]
    assert [row["id"] for row in api.read("/parents", q="ada x")] == [1]
    assert [row["id"] for row in api.read("/parents", surname="X", count=2)] == [1, 2]


def test_writes_answer_with_computed_attributes(serve: Serve) -> None:
    api = family(serve)
    assert api.create("/parents", first="Di", lastName="Y")["whole"] == "Di Y"
    changed = api.put("/parents/1", {"first": "Eve"}).json()
    assert (changed["whole"], changed["weight"]) == ("Eve X", 3)
    assert api.delete("/parents/4").status_code == 200
    assert api.get("/parents/4").status_code == 404


@pytest.mark.parametrize(
    ("left", "reason"),
    [("weights", "association proxy"), ("python_only", "no SQL expression")],
)
def test_attribute_without_sql_is_rejected_unless_excluded(
    serve: Serve, left: str, reason: str
) -> None:
    api = serve(ComputedBase.metadata)
    excluded = [name for name in HIDDEN if name != left]
    with pytest.raises(ConfigurationError, match=f"Parent.*{left}.*{reason}.*exclude_attributes"):
        api.crud.resource(Parent, exclude_attributes=excluded)
