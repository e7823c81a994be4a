"""Column types without a JSON conversion: rejected by name, registered, or excluded."""

import datetime as dt
import enum
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator, TypeEngine

from encore import ConfigurationError, TypeAdapter
from encore.models.types import InvalidValue, codec_for
from tests.fixtures.models import ModelApi, Serve


class Money:
    """A value without a JSON form."""

    def __init__(self, cents: int) -> None:
        self.cents = cents


class MoneyType(TypeDecorator):  # type: ignore[type-arg]
    """Does not declare its Python type."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else value.cents

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else Money(value)


class Mood(enum.Enum):
    GOOD = "+"


class MoodType(TypeDecorator):  # type: ignore[type-arg]
    """Accepts one string only, so that no sample reveals its Python type."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else Mood(value)


REFUSED: Final[dict[str, tuple[TypeEngine[Any], str]]] = {
    "interval": (sa.Interval(), "register one with types={Interval: TypeAdapter(...)}"),
    "pickle": (sa.PickleType(), "register one with types={PickleType: TypeAdapter(...)}"),
    "array": (sa.ARRAY(sa.Integer), "register one with types={ARRAY: TypeAdapter(...)}"),
    "vector": (postgresql.TSVECTOR(), "register one with types={TSVECTOR: TypeAdapter(...)}"),
    "money": (MoneyType(), "whose values are of the Python type Money; register one"),
    "mood": (MoodType(), "annotate the return type of its process_result_value; or register one"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_type_without_json_form_is_rejected_at_start(name: str, tmp_path: Path) -> None:
    class Base(DeclarativeBase):
        pass

    type_, text = REFUSED[name]
    model: Any = type(
        "Odd",
        (Base,),
        {
            "__tablename__": "odd",
            "id": mapped_column(sa.Integer, primary_key=True),
            "it": mapped_column(type_),
        },
    )
    api = ModelApi(f"sqlite:///{tmp_path}/values.sqlite")
    with pytest.raises(ConfigurationError, match=r"resource Odd: .*Odd.it: no JSON form") as error:
        api.crud.resource(model)
    assert text in str(error.value)
    api.close()


class Base(DeclarativeBase):
    pass


def _timespan(text: Any) -> dt.timedelta:
    try:
        hours, minutes = str(text).split(":")
        return dt.timedelta(hours=int(hours), minutes=int(minutes))
    except ValueError as error:
        raise ValueError("must be hours and minutes such as 1:30") from error


def _shown(value: dt.timedelta) -> str:
    hours, minutes = divmod(int(value.total_seconds()) // 60, 60)
    return f"{hours}:{minutes:02d}"


INTERVAL: Final = TypeAdapter(
    to_json=_shown,
    from_json=_timespan,
    schema={"type": "string", "pattern": r"^\d+:\d\d$"},
)


def array(kind: Any) -> TypeAdapter:
    """Return the adapter of an array of numbers."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise ValueError("must be an array of integers")
        return value

    assert isinstance(kind.item_type, sa.Integer)
    return TypeAdapter(
        to_json=list, from_json=read, schema={"type": "array", "items": {"type": "integer"}}
    )


class Run(Base):
    __tablename__ = "runs"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(5))
    took: Mapped[dt.timedelta | None] = mapped_column(sa.Interval)
    cost: Mapped[Any] = mapped_column(MoneyType, nullable=True)


class Marks(Base):
    __tablename__ = "marks"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(5))
    # SQLite has no arrays: there it is JSON.
    marks: Mapped[Any] = mapped_column(sa.ARRAY(sa.Integer).with_variant(sa.JSON(), "sqlite"))


def test_registered_type_is_carried_out_on_every_path(serve: Serve) -> None:
    api = serve(Base.metadata)
    money = TypeAdapter(to_json=lambda money: money.cents, from_json=lambda cents: Money(cents + 0))
    types = {sa.Interval: INTERVAL, MoneyType: money}
    api.crud.upload(api.crud.resource(Run, types=types), natural_key=["code"])
    row = {"id": 1, "code": "a", "took": "1:30", "cost": 7}
    assert api.post("/runs", json={**row, "id": None}).json() == row
    assert api.get("/runs", params={"took__gte": "1:30", "cost": "7"}).json() == [row]
    assert api.get("/runs", params={"took__gt": "1:30"}).json() == []
    (stored,) = api.orm(lambda session: [(r.took, r.cost.cents) for r in session.query(Run)])
    assert stored == (dt.timedelta(minutes=90), 7)
    assert api.put("/runs/1", json={"took": "2:00"}).json() == {**row, "took": "2:00"}
    refused = api.put("/runs/1", json={"took": "x", "cost": "y"}).json()["errors"]
    assert refused == [
        {"field": "took", "message": "took must be hours and minutes such as 1:30"},
        {"field": "cost", "message": "cost is invalid"},
    ]
    lines = [{"code": "a", "took": "2:00", "cost": 7}, {"code": "b", "took": "0:01"}]
    answer = api.post("/runs/upload", json=lines).json()
    assert (answer["unchanged"], answer["created"]) == (1, 1), answer
    csv = {"content": b"code,took,cost\nb,0:01,5\n", "headers": {"Content-Type": "text/csv"}}
    assert api.post("/runs/upload", **csv).json()["updated"] == 1


def test_registered_array_is_carried_out_on_every_path(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.upload(api.crud.resource(Marks, types={sa.ARRAY: array}), natural_key=["code"])
    row = {"id": 1, "code": "a", "marks": [1, 2]}
    assert api.post("/marks", json={"code": "a", "marks": [1, 2]}).json() == row
    assert api.put("/marks/1", json=row).json() == row
    assert api.post("/marks/upload", json=[{"code": "a", "marks": [1, 2]}]).json()["unchanged"] == 1
    if not api.is_sqlite:
        assert api.get("/marks", params={"marks": "[[1, 2]]"}).json() == [row]
        assert api.get("/marks", params={"marks__ne": "[[1, 2]]"}).json() == []
        answer = api.put("/marks/1", json={"marks": [1.5]})
        assert answer.json()["message"].endswith("marks must be an array of integers")


class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(5))
    took: Mapped[dt.timedelta | None] = mapped_column(sa.Interval)
    things: Mapped[list["Thing"]] = relationship(back_populates="owner")


class Thing(Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("owners.id"))
    took: Mapped[dt.timedelta | None] = mapped_column(sa.Interval)
    owner: Mapped[Owner | None] = relationship(back_populates="things")


def test_unknown_type_of_hidden_field_does_not_stop_the_start(serve: Serve) -> None:
    api = serve(Base.metadata)
    owners = api.crud.resource(Owner, exclude_attributes=["took"])  # Thing is not shown at all.
    api.crud.upload(owners, natural_key=["code"])
    api.orm(lambda session: session.add(Owner(code="a", took=dt.timedelta(1), things=[Thing()])))
    assert api.get("/owners").json() == [{"id": 1, "code": "a"}]
    assert api.put("/owners/1", json={"code": "b"}).json() == {"id": 1, "code": "b"}
    assert api.post("/owners/upload", json=[{"code": "b"}]).json()["unchanged"] == 1
    assert api.post("/owners", json={"code": "c"}).status_code == 201
    (took,) = api.orm(lambda session: [session.get(Owner, 1).took])  # type: ignore[union-attr]
    assert took == dt.timedelta(1)


def test_unknown_type_of_related_rows_is_rejected_only_if_output(serve: Serve) -> None:
    api = serve(Base.metadata)
    with pytest.raises(ConfigurationError, match=r"Thing\.took: no JSON form"):
        api.crud.resource(Owner, exclude_attributes=["took"], include=["things"])
    hidden = {"own": ["took"], "things": ["took"]}
    api.crud.resource(
        Owner, exclude_attributes=hidden, associations=True, endpoints=["/a", "/a/{id}"]
    )
    api.orm(lambda session: session.add(Owner(code="a", things=[Thing(took=dt.timedelta(1))])))
    thing = {"id": 1, "owner_id": 1}
    assert api.get("/a/1").json() == {"id": 1, "code": "a", "things": [thing]}
    assert api.get("/a/1/things").json() == [thing]


@pytest.mark.parametrize("types", [[], {"Interval": INTERVAL}, {sa.Interval: 5}])
def test_registration_of_invalid_adapter_is_rejected(types: Any, tmp_path: Path) -> None:
    api = ModelApi(f"sqlite:///{tmp_path}/values.sqlite")
    with pytest.raises(ConfigurationError, match="option types: "):
        api.crud.resource(Run, types=types)
    api.close()


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "NaN", "[1", ""])
def test_text_not_strict_json_for_a_json_column_is_rejected(text: str) -> None:
    codec = codec_for(sa.JSON(), sqlite.dialect())
    with pytest.raises(InvalidValue, match="must be JSON"):
        codec.from_text(text)


DIALECTS: Final[tuple[sa.Dialect, sa.Dialect]] = (
    sqlite.dialect(),
    postgresql.dialect(),  # type: ignore[no-untyped-call] # SQLAlchemy's
)


@pytest.mark.parametrize(
    ("type_", "dialect", "format_", "text"),
    [
        (sa.Time(), DIALECTS[0], "time-local", "02:22:09"),
        (sa.Time(), DIALECTS[1], "time-local", "02:22:09"),
        (sa.Time(timezone=True), DIALECTS[0], "time-local", "02:22:09"),
        (sa.Time(timezone=True), DIALECTS[1], "time", "02:22:09+00:00"),
    ],
)
def test_time_has_the_format_that_its_text_is_valid_in(
    type_: sa.Time, dialect: sa.Dialect, format_: str, text: str
) -> None:
    codec = codec_for(type_, dialect)
    assert codec.schema["format"] == format_
    assert str(codec.from_json(text)) == text
    # JSON Schema's "time" demands an offset (RFC 3339); "time-local" is of OpenAPI's registry.
    is_full_time = jsonschema_rs.is_valid({"format": "time"}, text, validate_formats=True)
    assert is_full_time == (format_ == "time")
