"""Examples that columns state: checked at the start, and preferred to those of their types."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import ConfigurationError
from encore.models.examples import example_of
from encore.models.fields import Fields
from tests.fixtures.models import Serve


def model(type_: Any, example: Any, *, nullable: bool = False) -> Any:
    class Base(DeclarativeBase):
        pass

    class Track(Base):
        __tablename__ = "tracks"
        id: Mapped[int] = mapped_column(primary_key=True)
        value: Mapped[Any] = mapped_column(type_, info={"example": example}, nullable=nullable)

    return Track


@pytest.mark.parametrize(
    ("type_", "example"),
    [
        (sa.String(3), "long"),
        (sa.String(3), {"a": 1}),
        (sa.Integer(), "one"),
        (sa.Integer(), None),
        (sa.Date(), "2026-02-30"),
        (sa.Date(), object()),
        (sa.Enum("a", "b", name="letter"), "c"),
        (sa.JSON(), {1, 2}),
    ],
)
def test_example_that_the_column_rejects_stops_the_start(
    serve: Serve, type_: Any, example: Any
) -> None:
    track = model(type_, example)
    api = serve(track.metadata)
    with pytest.raises(ConfigurationError, match=r"Track: option model: the example of value"):
        api.crud.resource(track)


@pytest.mark.parametrize(
    ("type_", "example"),
    [(sa.String(3), "abc"), (sa.Integer(), 7), (sa.Date(), None), (sa.JSON(), {"a": [1]})],
)
def test_example_that_a_column_states_is_the_example(
    serve: Serve, type_: Any, example: Any
) -> None:
    track = model(type_, example, nullable=True)
    api = serve(track.metadata)
    api.crud.resource(track)
    value = Fields.of(track, api.crud.dialect).by_name["value"]
    assert example_of(value) == example


def test_example_of_a_foreign_key_is_that_of_the_key(serve: Serve) -> None:
    class Base(DeclarativeBase):
        pass

    class Country(Base):
        __tablename__ = "countries"
        code: Mapped[str] = mapped_column(sa.String(2), primary_key=True, info={"example": "NO"})

    class Town(Base):
        __tablename__ = "towns"
        id: Mapped[int] = mapped_column(primary_key=True)
        country: Mapped[str] = mapped_column(sa.ForeignKey("countries.code"))

    dialect = serve(Base.metadata).crud.dialect
    assert example_of(Fields.of(Town, dialect).by_name["country"]) == "NO"
