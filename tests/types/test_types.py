"""Moments: whatever goes in comes out the same, as exactly as the database holds it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from encore.types import UtcDateTime, format_stored_timestamp, format_timestamp, now, parse_datetime

SQLITE: Dialect = SQLiteDialect_pysqlite()
POSTGRESQL: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
# No offset leads out of the years 1 to 9999.
MOMENTS = st.datetimes(timezones=OFFSETS).filter(lambda moment: 1 < moment.year < 9999)


def in_milliseconds(moment: datetime) -> datetime:
    """Cut off what is below a millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@given(MOMENTS)
def test_what_is_formatted_is_parsed_back_to_the_millisecond(moment: datetime) -> None:
    text = format_stored_timestamp(moment)
    assert len(text) == len("2018-08-16T02:22:09.446Z")
    assert parse_datetime(text) == in_milliseconds(moment)
    assert format_stored_timestamp(parse_datetime(text)) == text


@given(MOMENTS, MOMENTS)
def test_the_order_of_texts_is_the_order_of_moments(one: datetime, other: datetime) -> None:
    one, other = in_milliseconds(one), in_milliseconds(other)
    assert (format_stored_timestamp(one) < format_stored_timestamp(other)) == (one < other)


@given(MOMENTS)
def test_sequelizes_form_and_iso_with_any_offset_are_the_same_moment(moment: datetime) -> None:
    utc = moment.astimezone(UTC)
    sequelize = f"{utc.isoformat(' ', 'milliseconds').removesuffix('+00:00')} +00:00"
    assert parse_datetime(sequelize) == in_milliseconds(moment)
    assert parse_datetime(moment.isoformat()) == moment


@given(MOMENTS)
def test_shown_timestamp_keeps_microseconds_and_has_three_digits_at_least(moment: datetime) -> None:
    text = format_timestamp(moment)
    assert parse_datetime(text) == moment
    fraction = text.rpartition(".")[2]
    assert len(fraction) == len("446Z") or not fraction.endswith("0Z")


@given(MOMENTS)
def test_both_databases_give_back_the_moment_that_was_bound(moment: datetime) -> None:
    kind = UtcDateTime()
    text = kind.process_bind_param(moment, SQLITE)
    assert kind.process_result_value(text, SQLITE) == in_milliseconds(moment)
    bound = kind.process_bind_param(moment, POSTGRESQL)
    assert kind.process_result_value(bound, POSTGRESQL) == moment


@given(st.lists(MOMENTS, min_size=1, max_size=5))
def test_sqlite_stores_moments_and_compares_them(moments: list[datetime]) -> None:
    engine = sa.create_engine("sqlite://")
    table = sa.Table("moments", sa.MetaData(), sa.Column("at", UtcDateTime))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), [{"at": moment} for moment in moments])
        stored = connection.scalars(sa.select(table.c.at).order_by(table.c.at)).all()
        earlier = sa.select(sa.func.count()).where(table.c.at < moments[0])
        count = connection.scalar(earlier)
    engine.dispose()
    expected = sorted(in_milliseconds(moment) for moment in moments)
    assert stored == expected
    assert count == sum(moment < in_milliseconds(moments[0]) for moment in expected)


@given(st.text())
def test_what_is_no_moment_is_a_value_error(text: str) -> None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return
    assert moment.tzinfo is UTC


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
def test_these_are_no_moments(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_datetime(text)


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
def test_a_moment_without_a_time_zone_is_refused_and_null_is_null(dialect: Any) -> None:
    kind = UtcDateTime()
    with pytest.raises(ValueError, match="time zone"):
        kind.process_bind_param(datetime(2018, 8, 16), dialect)  # noqa: DTZ001 - the point
    assert kind.process_bind_param(None, dialect) is None
    assert kind.process_result_value(None, dialect) is None


def test_the_present_is_in_utc_and_whole_milliseconds() -> None:
    present = now()
    assert present.tzinfo is UTC
    assert parse_datetime(format_stored_timestamp(present)) == present


class OwnDatetime(datetime):
    """As other libraries have them."""


@given(MOMENTS)
def test_timestamp_of_a_subclass_is_formatted_as_any(moment: datetime) -> None:
    own = OwnDatetime.fromisoformat(moment.isoformat())
    assert format_timestamp(own) == format_timestamp(moment)
    assert format_stored_timestamp(own) == format_stored_timestamp(moment)
