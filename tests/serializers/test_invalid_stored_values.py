"""Stored values that do not fit their columns: shown, counted, left alone, corrected, deleted."""

import datetime as dt
import enum
from typing import Any, Final

import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, validates

from encore.types import UtcDateTime
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Mood(enum.Enum):
    GOOD = "+"


class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    rows: Mapped[list["Odd"]] = relationship(order_by="Odd.id")


class Odd(Base):
    __tablename__ = "odd"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("owners.id"))
    name: Mapped[str | None] = mapped_column(sa.String(50))
    day: Mapped[dt.date | None] = mapped_column(sa.Date)
    at: Mapped[dt.datetime | None] = mapped_column(sa.DateTime)
    aware: Mapped[dt.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    utc: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    clock: Mapped[dt.time | None] = mapped_column(sa.Time)
    mood: Mapped[Mood | None] = mapped_column(sa.Enum(Mood, native_enum=False, length=20))
    uid: Mapped[Any] = mapped_column(sa.Uuid(native_uuid=False), nullable=True)
    doc: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    number: Mapped[int | None] = mapped_column(sa.Integer)
    ratio: Mapped[float | None] = mapped_column(sa.Float)
    price: Mapped[Any] = mapped_column(sa.Numeric(10, 2), nullable=True)
    flag: Mapped[bool | None] = mapped_column(sa.Boolean)
    data: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    secret: Mapped[dt.date | None] = mapped_column(sa.Date)


class Checked(Base):
    """Written through an ORM session, because of its validator."""

    __tablename__ = "checked"
    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[dt.date | None] = mapped_column(sa.Date)
    name: Mapped[str | None] = mapped_column(sa.String(50))

    @validates("name")
    def upper(self, _: str, name: str | None) -> str | None:
        return name and name.upper()


RIGHT: Final = "2018-08-16T02:22:09.446Z"

# Column, what another program stored there (SQL), its text, and a right value instead.
SQLITE: Final = (
    ("name", "CAST(X'61ff62' AS TEXT)", "a\ufffdb", "b"),
    ("day", "'someday'", "someday", "2018-08-16"),
    ("day", "20180816", "20180816", "2018-08-16"),
    ("at", "'0044-03-15 BC'", "0044-03-15 BC", RIGHT),
    ("utc", "'yesterday'", "yesterday", None),
    ("clock", "'24:30'", "24:30", "02:22:09"),
    ("mood", "'BAD'", "BAD", "GOOD"),
    ("uid", "'no uuid'", "no uuid", "12345678-1234-5678-1234-567812345678"),
    ("doc", "'{broken'", "{broken", {"a": 1}),
    ("number", "'many'", "many", 5),
    ("number", "1.5", "1.5", 5),
    ("ratio", "'half'", "half", 0.5),
    ("ratio", "9e999", "inf", 0.5),
    ("price", "'dear'", "dear", "1.50"),
    ("price", "1.23456", "1.23456", "1.50"),
    ("flag", "2", "2", True),
    ("data", "'text'", "text", "AP8="),
)
POSTGRESQL: Final = (
    ("day", "'0044-03-15 BC'", "0044-03-15 BC", "2018-08-16"),
    ("day", "'12345-01-31'", "12345-01-31", "2018-08-16"),
    (
        "at",
        "'0044-03-15 12:30:00.5 BC'",
        "0044-03-15 12:30:00.500000 BC",
        "2018-08-16T02:22:09.446Z",
    ),
    ("aware", "'0001-12-31 23:00+00 BC'", "0001-12-31 23:00:00+00 BC", "2018-08-16T02:22:09.446Z"),
    ("utc", "'20000-01-01 00:00+00'", "20000-01-01 00:00:00+00", None),
    ("clock", "'24:00:00'", "24:00:00", "02:22:09"),
    ("mood", "'BAD'", "BAD", "GOOD"),
    ("uid", "'no uuid'", "no uuid".ljust(32), "12345678-1234-5678-1234-567812345678"),
    ("ratio", "'NaN'", "nan", 0.5),
    ("ratio", "'-Infinity'", "-inf", 0.5),
    ("price", "'NaN'", "NaN", "1.50"),
)


@pytest.fixture
def odd(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.resource(Odd, exclude_attributes=["secret"])
    api.crud.resource(Owner, include=["rows"])
    api.sql("INSERT INTO owners (id) VALUES (1)")
    return api


def cases(api: ModelApi) -> Any:
    return SQLITE if api.is_sqlite else POSTGRESQL


def insert(api: ModelApi) -> int:
    """Store a row for each case, and one in which all is right; return how many are wrong."""
    for number, (column, value, _, _) in enumerate(cases(api), start=1):
        api.sql(f"INSERT INTO odd (id, owner_id, {column}) VALUES ({number}, 1, {value})")
    api.sql("INSERT INTO odd (id, owner_id, day) VALUES (100, 1, '2018-08-16')")
    return len(cases(api))


def test_list_with_invalid_values_shows_their_text_and_counts_them(odd: ModelApi) -> None:
    wrong = insert(odd)
    response = odd.get("/odd")
    assert response.status_code == 200, response.text
    assert response.headers["Invalid-Values"] == str(wrong)
    rows = {row["id"]: row for row in response.json()}
    shown = [(c, rows[n][c]) for n, (c, _, _, _) in enumerate(cases(odd), start=1)]
    assert shown == [(column, text) for column, _, text, _ in cases(odd)]
    assert rows[100]["day"] == "2018-08-16"
    assert "Invalid-Values" not in odd.get("/odd", params={"id": "100"}).headers


def test_fields_that_are_not_shown_are_not_counted(odd: ModelApi) -> None:
    insert(odd)
    assert "Invalid-Values" not in odd.get("/odd", params={"fields": "id"}).headers
    value = "'x'" if odd.is_sqlite else "'0044-03-15 BC'"
    odd.sql(f"INSERT INTO odd (id, secret) VALUES (101, {value})")
    response = odd.get("/odd/101")
    assert "Invalid-Values" not in response.headers
    assert "secret" not in response.json()


def test_invalid_values_of_embedded_rows_are_counted(odd: ModelApi) -> None:
    wrong = insert(odd)
    response = odd.get("/owners/1")
    # Nothing is left out of embedded rows here.
    assert response.headers["Invalid-Values"] == str(wrong), response.text
    assert len(response.json()["rows"]) == wrong + 1


def test_invalid_value_repeated_in_update_is_kept(odd: ModelApi) -> None:
    insert(odd)
    for number, (column, _, text, _) in enumerate(cases(odd), start=1):
        text_of = f"hex({column})" if odd.is_sqlite else f"CAST({column} AS VARCHAR)"
        stored = f"SELECT {text_of} FROM odd WHERE id = {number}"
        before = odd.sql(stored)
        row = odd.get(f"/odd/{number}").json()
        other = "price" if column == "name" else "name"
        response = odd.put(f"/odd/{number}", json={**row, other: "7.00"})
        assert response.status_code == 200, (column, response.text)
        assert response.headers.get("Invalid-Values") == "1", (column, response.text)
        assert response.json() == {**row, other: "7.00"}
        assert odd.sql(stored) == before, column
        changed = odd.request("PATCH", f"/odd/{number}", json={column: text})
        assert (changed.status_code, odd.sql(stored)) == (200, before), column


def test_invalid_value_is_corrected(odd: ModelApi) -> None:
    insert(odd)
    for number, (column, _, text, right) in enumerate(cases(odd), start=1):
        if column in ("mood", "day", "uid"):
            refused = odd.put(f"/odd/{number}", json={column: f"{text}!"})
            assert refused.status_code == 400, column
            assert refused.json()["errors"][0]["field"] == column
        response = odd.put(f"/odd/{number}", json={column: right})
        assert response.status_code == 200, (column, response.text)
        assert response.json()[column] == right
        assert "Invalid-Values" not in response.headers


def test_row_with_invalid_value_is_deleted(odd: ModelApi) -> None:
    for number in range(1, insert(odd) + 1):
        assert odd.delete(f"/odd/{number}").status_code == 200
        assert odd.get(f"/odd/{number}").status_code == 404


def test_log_of_invalid_value_names_row_and_column_only(odd: ModelApi) -> None:
    odd.sql("INSERT INTO odd (id, uid) VALUES (7, 'private')")
    with structlog.testing.capture_logs() as logs:
        odd.get("/odd/7")
    (entry,) = [one for one in logs if one["event"] == "stored value does not fit its column"]
    assert (entry["column"], entry["keys"], entry["rows"]) == ("odd.uid", [[7]], 1)
    assert "private" not in str(logs)


def test_log_of_many_invalid_rows_has_one_line_per_column(odd: ModelApi) -> None:
    odd.sql("INSERT INTO odd (id, uid) VALUES " + ",".join(f"({n}, 'x')" for n in range(1, 51)))
    for accept in ("application/json", "text/csv"):
        with structlog.testing.capture_logs() as logs:
            assert odd.get("/odd?fields=id", headers={"Accept": accept}).status_code == 200
        (entry,) = [one for one in logs if one["event"] == "stored value does not fit its column"]
        assert entry["keys"] == [[n] for n in range(1, 11)]
        assert entry["rows"] == 50


def test_infinite_dates_are_shown_and_found(odd: ModelApi) -> None:
    if odd.is_sqlite:
        return
    odd.sql("INSERT INTO odd (id, day, aware) VALUES (1, 'infinity', '-infinity')")
    for _ in range(2):  # With the driver's codecs, then with those that know dates BC.
        row = odd.get("/odd/1").json()
        assert (row["day"], row["aware"]) == ("9999-12-31", "0001-01-01T00:00:00.000Z")
        query = {"day": row["day"], "aware": row["aware"]}
        assert len(odd.get("/odd", params=query).json()) == 1
        assert odd.put("/odd/1", json=row).json() == row
        assert odd.sql("SELECT day::text, aware::text FROM odd WHERE id = 1") == [
            ("infinity", "-infinity")
        ]
        values = "(2, '0044-03-15 BC', '10:11:12') ON CONFLICT DO NOTHING"
        odd.sql(f"INSERT INTO odd (id, day, clock) VALUES {values}")
        clock = odd.get("/odd/2").json()["clock"]
        assert clock == "10:11:12"
        assert [r["id"] for r in odd.get("/odd", params={"clock": clock}).json()] == [2]


def test_row_unreadable_by_orm_is_changed_and_deleted_in_session(
    serve: Serve,
) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Checked)
    text = "someday" if api.is_sqlite else "0044-03-15 BC"
    api.sql(f"INSERT INTO checked (id, day) VALUES (1, '{text}'), (2, '{text}')")
    row = api.get("/checked/1").json()
    assert api.put("/checked/1", json={**row, "name": "a"}).json() == {**row, "name": "A"}
    right = {"id": 1, "day": "2018-08-16", "name": "A"}
    assert api.put("/checked/1", json={"day": "2018-08-16"}).json() == right
    assert api.delete("/checked/2").status_code == 200
    assert api.get("/checked").json() == [right]
