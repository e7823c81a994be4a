"""Timestamps: output exactly as stored, and compared and sorted in any stored form."""

import datetime as dt
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore.types import UtcDateTime
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Event(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(sa.DateTime, server_default=sa.func.now())
    clock: Mapped[dt.time | None] = mapped_column(sa.Time)
    utc: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


# As SQL functions write them on SQLite, and as SQLAlchemy does; the first two are one instant.
STORED: Final = (
    ("2018-08-16 02:22:10.000000", "02:22:10.000000"),
    ("2018-08-16 02:22:10", "02:22:10"),
    ("2018-08-16 02:22:10.446", "02:22:10.446"),
    ("2018-08-16 02:22:09.999999", "02:22:09.999999"),
)


@pytest.fixture
def events(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.upload(api.crud.resource(Event), natural_key=["at"])
    for at, clock in STORED:
        api.sql(f"INSERT INTO events (at, clock) VALUES ('{at}', '{clock}')")
    return api


def ids(api: ModelApi, **query: Any) -> list[int]:
    response = api.get("/events", params=query)
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()]


WHOLE: Final = "2018-08-16T02:22:10.000Z"
MILLI: Final = "2018-08-16T02:22:10.446Z"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"at": WHOLE}, [1, 2]),
        ({"at": MILLI}, [3]),
        ({"at__ne": WHOLE}, [3, 4]),
        ({"at__gt": WHOLE}, [3]),
        ({"at__gte": WHOLE}, [1, 2, 3]),
        ({"at__lt": WHOLE}, [4]),
        ({"at__lte": WHOLE}, [1, 2, 4]),
        ({"at__gt": MILLI}, []),
        ({"at__lte": MILLI}, [1, 2, 3, 4]),
        ({"at__between": f"{WHOLE},{MILLI}"}, [1, 2, 3]),
        ({"at__in": f"{WHOLE},{MILLI}"}, [1, 2, 3]),
        ({"at__not_in": WHOLE}, [3, 4]),
        ({"not": f"at={WHOLE}"}, [3, 4]),
        ({"clock": "02:22:10"}, [1, 2]),
        ({"clock__gt": "02:22:10"}, [3]),
        ({"clock__lt": "02:22:10"}, [4]),
        ({"sort": "at"}, [4, 1, 2, 3]),
        ({"sort": "-at"}, [3, 1, 2, 4]),
        ({"sort": "-at,-id"}, [3, 2, 1, 4]),
    ],
)
def test_timestamps_in_any_stored_form_are_compared(
    events: ModelApi, query: dict[str, str], expected: list[int]
) -> None:
    assert ids(events, **query) == expected


def test_timestamp_in_any_stored_form_is_output_and_uploaded_as_the_same(events: ModelApi) -> None:
    rows = events.get("/events").json()
    shown = [(row["at"], row["clock"]) for row in rows]
    assert shown == [
        (WHOLE, "02:22:10"),
        (WHOLE, "02:22:10"),
        (MILLI, "02:22:10.446000"),
        ("2018-08-16T02:22:09.999999Z", "02:22:09.999999"),
    ]
    uploaded = [{key: row[key] for key in ("at", "clock")} for row in rows[1:]]
    assert events.post("/events/upload", json=uploaded).json()["unchanged"] == 3


def test_value_written_by_the_database_is_found_by_its_output(events: ModelApi) -> None:
    made = events.post("/events", json={}).json()
    assert ids(events, at=made["at"]) == [5]
    assert ids(events, at__gt=made["at"]) == []
    assert 5 in ids(events, at__lte=made["at"])
    before = events.sql("SELECT at FROM events WHERE id = 5")
    assert events.put("/events/5", json=made).json() == made
    if not events.is_sqlite:  # SQLite's text becomes the longer form of the same instant.
        assert events.sql("SELECT at FROM events WHERE id = 5") == before


def test_foreign_microseconds_in_a_utc_column_are_output(
    serve: Serve,
) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Event)
    moment = dt.datetime(2018, 8, 16, 2, 22, 9, 446123, tzinfo=dt.UTC)
    api.orm(lambda session: session.add(Event(utc=moment)))
    (row,) = api.get("/events").json()
    digits = "446" if api.is_sqlite else "446123"  # There the column holds milliseconds.
    assert row["utc"] == f"2018-08-16T02:22:09.{digits}Z"
    assert ids(api, utc=row["utc"]) == [1]
    assert ids(api, utc__gt=row["utc"]) == []
    assert api.put("/events/1", json=row).json() == row
