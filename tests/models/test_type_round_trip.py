"""Values of every column type: the output finds the row, and writing it back changes nothing."""

import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Any, Final

import pytest
import sqlalchemy as sa
from msgspec import UNSET
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from encore.models.examples import example_of
from encore.models.fields import Fields
from encore.types import DurationHours, FixedDecimal, UtcDateTime
from tests.fixtures.models import ModelApi, Serve

UTC = dt.UTC


class Base(DeclarativeBase):
    pass


class Colour(enum.Enum):
    RED = "r"
    SCARLET = "r"  # noqa: PIE796 - an alias
    BLUE = "b"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Guid(TypeDecorator):  # type: ignore[type-arg] # SQLAlchemy's own recipe says no type
    """A UUID on every database, as in SQLAlchemy's manual."""

    impl = sa.CHAR
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.UUID())
        return dialect.type_descriptor(sa.CHAR(32))

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return value.hex

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return value if value is None or isinstance(value, uuid.UUID) else uuid.UUID(value)


class JsonText(TypeDecorator):  # type: ignore[type-arg] # as in the manual
    """Any JSON value in a text column."""

    impl = sa.String(200)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(value)


class Commas(TypeDecorator[list[str]]):
    """A list of words in a text column."""

    impl = sa.String(20)
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else ",".join(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> list[str] | None:  # noqa: ARG002
        return None if value is None else value.split(",")


class AwareTime(TypeDecorator):  # type: ignore[type-arg] # as in the manual
    """An aware datetime, stored without its zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("tzinfo is required")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


class LevelType(TypeDecorator):  # type: ignore[type-arg]
    """An enumeration by its numbers."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else Level(value)


class Cents(TypeDecorator):  # type: ignore[type-arg]
    """A decimal as an integer number of cents."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else int(value * 100)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> decimal.Decimal | None:  # noqa: ARG002
        return None if value is None else decimal.Decimal(value) / 100


class YesNo(TypeDecorator):  # type: ignore[type-arg]
    """Truth as a letter."""

    impl = sa.CHAR(1)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else "Y" if value else "N"

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> bool | None:  # noqa: ARG002
        return None if value is None else value == "Y"


class Lower(TypeDecorator[str]):
    """Text in lower case."""

    impl = sa.String(20)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else value.lower()


class Plain(TypeDecorator[int]):
    """A decorator that changes nothing."""

    impl = sa.BigInteger
    cache_ok = True


class Documents(TypeDecorator):  # type: ignore[type-arg]
    """Over JSON."""

    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return value


class ColourName(TypeDecorator[Colour]):
    """Over an Enum."""

    impl = sa.Enum(Colour, native_enum=False, length=10)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Colour | None:  # noqa: ARG002
        return value  # type: ignore[no-any-return]


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


MICRO: Final = dt.datetime(2018, 8, 16, 2, 22, 9, 446123)  # noqa: DTZ001 - a naive column
WHOLE: Final = dt.datetime(2018, 8, 16, 2, 22, 10)  # noqa: DTZ001
ID: Final = uuid.UUID("12345678-1234-5678-1234-567812345678")

# Type, what the ORM stores, what JSON shows, and whether it can be filtered by value.
CASES: Final[dict[str, tuple[Any, Any, Any]]] = {
    "datetime": (sa.DateTime(), MICRO, "2018-08-16T02:22:09.446123Z"),
    "datetime_whole": (sa.DateTime(), WHOLE, "2018-08-16T02:22:10.000Z"),
    "datetime_tenth": (
        sa.DateTime(),
        MICRO.replace(microsecond=446100),
        "2018-08-16T02:22:09.4461Z",
    ),
    "timestamp": (sa.TIMESTAMP(), MICRO, "2018-08-16T02:22:09.446123Z"),
    "aware": (sa.DateTime(timezone=True), MICRO.replace(tzinfo=UTC), "2018-08-16T02:22:09.446123Z"),
    "seconds": (
        sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=0), "postgresql"),
        WHOLE,
        "2018-08-16T02:22:10.000Z",
    ),
    "utc": (UtcDateTime(), utc(2018, 8, 16, 2, 22, 9, 446000), "2018-08-16T02:22:09.446Z"),
    "aware_time": (AwareTime(), MICRO.replace(tzinfo=UTC), "2018-08-16T02:22:09.446123Z"),
    "date": (sa.Date(), dt.date(2018, 8, 16), "2018-08-16"),
    "time": (sa.Time(), dt.time(2, 22, 9, 446123), "02:22:09.446123"),
    "time_whole": (sa.Time(), dt.time(2, 22, 9), "02:22:09"),
    "float": (sa.Float(), 0.1, 0.1),
    "double": (sa.Double(), 1e-300, 1e-300),
    "real": (sa.REAL(), 0.5, 0.5),
    "float_decimal": (sa.Float(asdecimal=True), decimal.Decimal("1.5"), 1.5),
    "numeric": (sa.Numeric(10, 2), decimal.Decimal("1234567.89"), "1234567.89"),
    "numeric_float": (sa.Numeric(12, 8, asdecimal=False), 0.12345678, 0.12345678),
    "bigint": (sa.BigInteger(), 2**62 + 1, 2**62 + 1),
    "smallint": (sa.SmallInteger(), -5, -5),
    "tinyint": (sa.SmallInteger().with_variant(mysql.TINYINT(), "mysql"), 5, 5),
    "boolean": (sa.Boolean(), True, True),
    "boolean_false": (sa.Boolean(), False, False),
    "uuid": (sa.Uuid(), ID, str(ID)),
    "uuid_text": (sa.Uuid(native_uuid=False), ID, str(ID)),
    "uuid_string": (sa.Uuid(as_uuid=False), str(ID), str(ID)),
    "binary": (sa.LargeBinary(), b"\x00\xff", "AP8="),
    "enum_name": (sa.Enum(Colour, name="colour"), Colour.BLUE, "BLUE"),
    "enum_value": (
        sa.Enum(Colour, name="colours", values_callable=lambda e: [m.value for m in e]),
        Colour.BLUE,
        "b",
    ),
    "enum_text": (sa.Enum("a", "b", name="letters", native_enum=False), "b", "b"),
    "char": (sa.CHAR(5), "ab   ", "ab   "),
    "text": (sa.Text(), "a%_ä\n", "a%_ä\n"),
    "json": (sa.JSON(), {"b": [1, None], "a": "x"}, {"b": [1, None], "a": "x"}),
    "json_null": (sa.JSON(), sa.JSON.NULL, None),
    "json_none": (sa.JSON(none_as_null=True), None, None),
    "jsonb": (
        sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
        {"bb": 1, "a": 2},
        {"bb": 1, "a": 2},
    ),
    "mutable": (MutableDict.as_mutable(sa.JSON()), {"a": 1}, {"a": 1}),
    "inet": (
        sa.String(40).with_variant(postgresql.INET(), "postgresql"),
        "192.0.2.1",
        "192.0.2.1",
    ),
    "fixed": (FixedDecimal(2), decimal.Decimal("7.25"), 7.25),
    "duration": (DurationHours(), decimal.Decimal("1.5083"), 1.5083),
    "duration_second": (DurationHours(), decimal.Decimal("0.0003"), 0.0003),
    "guid": (Guid(), ID, str(ID)),
    "json_text": (JsonText(), {"a": [1]}, {"a": [1]}),
    "commas": (Commas(), ["a", "b"], ["a", "b"]),
    "level": (LevelType(), Level.HIGH, 2),
    "cents": (Cents(), decimal.Decimal("7.25"), "7.25"),
    "yes_no": (YesNo(), True, True),
    "lower": (Lower(), "abc", "abc"),
    "plain": (Plain(), 2**40, 2**40),
    "documents": (Documents(), {"a": 1}, {"a": 1}),
    "colour_name": (ColourName(), Colour.RED, "RED"),
}
NOT_FILTERED: Final = {"binary", "json", "json_null", "json_none", "jsonb", "mutable", "documents"}


class Everything(Base):
    __tablename__ = "everything"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(5))


for name_, (type_, _, _) in CASES.items():
    setattr(Everything, name_, mapped_column(type_))


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.upload(api.crud.resource(Everything), natural_key=["code"])
    stored = {name: value for name, (_, value, _) in CASES.items()}
    api.orm(lambda session: session.add(Everything(code="one", **stored)))
    return api


def stored_row(api: ModelApi) -> tuple[Any, ...]:
    (row,) = api.sql("SELECT * FROM everything WHERE id = 1")
    return row


def test_value_of_every_type_is_output_as_the_orm_attribute(api: ModelApi) -> None:
    response = api.get("/everything/1")
    assert response.status_code == 200, response.text
    shown = response.json()
    assert {name: shown[name] for name in CASES} == {n: json_ for n, (_, _, json_) in CASES.items()}


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_filter_by_output_value_finds_the_row(api: ModelApi) -> None:
    shown = api.get("/everything/1").json()
    found, others = {}, {}
    for name in CASES.keys() - NOT_FILTERED:
        value = shown[name]
        one = as_text([value] if isinstance(value, list) else value)  # A list: one of its items.
        equal = api.get("/everything", params={name: one})
        other = api.get("/everything", params={f"{name}__ne": one})
        assert (equal.status_code, other.status_code) == (200, 200), equal.text + other.text
        found[name], others[name] = len(equal.json()), len(other.json())
    assert found == dict.fromkeys(found, 1)
    assert others == dict.fromkeys(others, 0)


def test_put_of_output_changes_nothing(api: ModelApi) -> None:
    before = stored_row(api)
    response = api.put("/everything/1", json=api.get("/everything/1").json())
    assert response.status_code == 200, response.text
    changed = {
        name
        for name, old, new in zip(["id", "code", *CASES], before, stored_row(api), strict=True)
        if old != new
    }
    assert changed == set()


def test_upload_of_output_is_unchanged(api: ModelApi) -> None:
    row = api.get("/everything/1").json()
    row.pop("id")
    response = api.post("/everything/upload", json=[row])
    assert response.json()["unchanged"] == 1, response.text
    cells = {name: as_text(value) for name, value in row.items() if value is not None}
    quoted = [
        ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in line)
        for line in (cells, cells.values())
    ]
    response = api.post(
        "/everything/upload",
        content="\n".join(quoted).encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert response.json()["unchanged"] == 1, response.text


def test_post_of_output_stores_the_same(api: ModelApi) -> None:
    row = api.get("/everything/1").json()
    del row["id"]
    row["code"] = "two"
    response = api.post("/everything", json=row)
    assert response.status_code == 201, response.text
    assert response.json() == {**row, "id": 2}


def test_example_of_every_type_is_stored_and_shown(api: ModelApi) -> None:
    fields = Fields.of(Everything, api.crud.dialect)
    examples = {f.name: example_of(f) for f in fields if f.name in CASES}
    assert UNSET not in examples.values()
    response = api.post("/everything", json={**examples, "code": "two"})
    assert response.status_code == 201, response.text
    assert {name: response.json()[name] for name in CASES} == examples
