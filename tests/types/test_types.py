"""``UtcDateTime`` and the formatting and parsing of timestamps."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from encore.models.types.registry import codec_for
from encore.types import (
    UtcDateTime,
    format_stored_timestamp,
    format_timestamp,
    now,
    parse_datetime,
    parse_offset_datetime,
    written_offset,
)

SQLITE: Dialect = SQLiteDialect_pysqlite()
POSTGRESQL: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call] # SQLAlchemy's
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
# With any of the offsets within the years 1 to 9999.
TIMESTAMPS = st.datetimes(timezones=OFFSETS).filter(lambda timestamp: 1 < timestamp.year < 9999)


def in_milliseconds(timestamp: datetime) -> datetime:
    """Truncate a timestamp to milliseconds."""
    return timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)


def bind(timestamp: datetime | None, dialect: Dialect) -> Any:
    """Return what the driver gets for a timestamp."""
    process: Any = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    return process(timestamp)


def read(stored: Any, dialect: Dialect) -> Any:
    """Return the timestamp for what the driver returns."""
    process: Any = UtcDateTime().dialect_impl(dialect).result_processor(dialect, None)
    return process(stored)


@given(TIMESTAMPS)
def test_formatted_timestamp_parses_to_same_millisecond(timestamp: datetime) -> None:
    text = format_stored_timestamp(timestamp)
    assert len(text) == len("2018-08-16T02:22:09.446Z")
    assert parse_datetime(text) == in_milliseconds(timestamp)
    assert format_stored_timestamp(parse_datetime(text)) == text


@given(TIMESTAMPS, TIMESTAMPS)
def test_stored_texts_sort_as_timestamps(one: datetime, other: datetime) -> None:
    one, other = in_milliseconds(one), in_milliseconds(other)
    assert (format_stored_timestamp(one) < format_stored_timestamp(other)) == (one < other)


@given(TIMESTAMPS)
def test_sequelize_and_iso_formats_parse_to_same_timestamp(timestamp: datetime) -> None:
    utc = timestamp.astimezone(UTC)
    sequelize = f"{utc.isoformat(' ', 'milliseconds').removesuffix('+00:00')} +00:00"
    assert parse_datetime(sequelize) == in_milliseconds(timestamp)
    assert parse_datetime(timestamp.isoformat()) == timestamp


@given(TIMESTAMPS)
def test_formatted_timestamp_has_three_to_six_digits_of_second(timestamp: datetime) -> None:
    text = format_timestamp(timestamp)
    assert parse_datetime(text) == timestamp
    fraction = text.rpartition(".")[2]
    assert len(fraction) == len("446Z") or not fraction.endswith("0Z")


@given(TIMESTAMPS)
def test_bound_timestamp_is_read_back_equal(timestamp: datetime) -> None:
    stored = bind(timestamp, SQLITE)
    assert stored == format_stored_timestamp(timestamp)
    assert read(stored, SQLITE) == in_milliseconds(timestamp)
    assert read(bind(timestamp, POSTGRESQL), POSTGRESQL) == timestamp


@given(st.lists(TIMESTAMPS, min_size=1, max_size=5))
def test_sqlite_stores_and_compares_timestamps(timestamps: list[datetime]) -> None:
    engine = sa.create_engine("sqlite://")
    table = sa.Table("timestamps", sa.MetaData(), sa.Column("at", UtcDateTime))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), [{"at": timestamp} for timestamp in timestamps])
        stored = connection.scalars(sa.select(table.c.at).order_by(table.c.at)).all()
        earlier = sa.select(sa.func.count()).where(table.c.at < timestamps[0])
        count = connection.scalar(earlier)
    engine.dispose()
    expected = sorted(in_milliseconds(timestamp) for timestamp in timestamps)
    assert stored == expected
    assert count == sum(timestamp < in_milliseconds(timestamps[0]) for timestamp in expected)


@given(st.text())
def test_arbitrary_text_is_timestamp_or_value_error(text: str) -> None:
    try:
        timestamp = parse_datetime(text)
    except ValueError:
        return
    assert timestamp.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2018",
        "2018-08",
        "2018-02-30",
        "2018-08-16T25:00Z",
        "2018-08-16T02:22:09.Z",
        "2018-08-16T02:22:60Z",
        "16.8.2018",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2018-08-16T02:22:09.446+99:99",
        "٢٠١٨-08-16",
        "2018-08-16T02:22:09.446Z\n",
    ],
)
def test_invalid_timestamp_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_datetime(text)


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
def test_naive_datetime_is_rejected_and_none_stays_none(dialect: Any) -> None:
    with pytest.raises(ValueError, match="time zone"):
        bind(datetime(2018, 8, 16), dialect)  # noqa: DTZ001 - the point
    assert bind(None, dialect) is None
    assert read(None, dialect) is None


def test_now_is_in_utc_with_whole_milliseconds() -> None:
    present = now()
    assert present.tzinfo is UTC
    assert parse_datetime(format_stored_timestamp(present)) == present


class OwnDatetime(datetime):
    """A subclass, such as pendulum's."""


@given(TIMESTAMPS)
def test_datetime_subclass_is_formatted_as_datetime(timestamp: datetime) -> None:
    own = OwnDatetime.fromisoformat(timestamp.isoformat())
    assert format_timestamp(own) == format_timestamp(timestamp)
    assert format_stored_timestamp(own) == format_stored_timestamp(timestamp)


@given(TIMESTAMPS, st.sampled_from(["minutes", "seconds", "microseconds"]))
def test_written_offset_is_kept_and_the_timestamp_is_the_same(
    timestamp: datetime, timespec: str
) -> None:
    raw = timestamp.isoformat(timespec=timespec)
    parsed = parse_offset_datetime(raw)
    assert written_offset(parsed) == timestamp.utcoffset()
    assert parsed.isoformat(timespec=timespec) == raw
    assert parsed == parse_datetime(raw)
    assert format_timestamp(parsed) == format_timestamp(parse_datetime(raw))


@pytest.mark.parametrize(
    ("raw", "offset"),
    [
        ("2026-03-02T08:30:00Z", None),
        ("2026-03-02T08:30:00.5z", None),
        ("2026-03-02T08:30-00:00", None),
        ("2026-03-02 08:30:00 -0000", None),
        ("2026-03-02T08:30", None),
        ("2026-03-02T08:30:00+00:00", timedelta(0)),
        ("2026-03-02 08:30:00.123 +0000", timedelta(0)),
        ("2026-03-02T08:30-03:30", timedelta(hours=-3, minutes=-30)),
        ("2026-03-02", timedelta(0)),
    ],
)
def test_z_and_minus_zero_do_not_state_an_offset(raw: str, offset: timedelta | None) -> None:
    parsed = parse_offset_datetime(raw)
    assert (written_offset(parsed), parsed) == (offset, parse_datetime(raw))


@pytest.mark.parametrize("raw", ["", "Z", "now", "2026-13-01", "2026-03-02T08:30+24:00"])
def test_invalid_timestamp_is_rejected_with_its_offset(raw: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the codec has the message
        parse_offset_datetime(raw)


def test_column_keeps_offset_only_if_declared() -> None:
    raw, stored = "2026-03-02T08:30:00+09:00", "2026-03-01T23:30:00.000Z"
    for type_, shown in ((UtcDateTime(), "23:30"), (UtcDateTime(keep_offset=True), "08:30")):
        codec = codec_for(type_, SQLITE)
        for value in (codec.from_json(raw), codec.from_text(raw)):
            assert f"{value:%H:%M}" == shown
            assert codec.driver_value(value) == stored
