"""``DurationHours``: hours as whole seconds, shown with up to four decimals."""

import json
from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from encore.models.types import InvalidValue, codec_for
from encore.types import DurationHours

DIALECTS: Final[tuple[Dialect, ...]] = (SQLiteDialect_pysqlite(), PGDialect_asyncpg())  # type: ignore[no-untyped-call] # SQLAlchemy's
CODEC: Final = codec_for(DurationHours(), DIALECTS[0])
MAX_SECONDS: Final = 2**31 - 1
WEEK: Final = 168 * 3600
SECONDS: Final = st.integers(-MAX_SECONDS, MAX_SECONDS)


def shown(seconds: int) -> Any:
    """Return the JSON number of stored seconds, decoded from the response's text."""
    assert CODEC.to_wire is not None
    return json.loads(msgspec.json.encode(CODEC.to_wire(seconds)))


def stored(hours: Any) -> Any:
    """Return what the driver gets for a JSON value."""
    return CODEC.driver_value(CODEC.from_json(hours))


def test_every_second_of_a_week_survives_show_and_send_back() -> None:
    assert CODEC.to_wire is not None
    body = msgspec.json.encode([CODEC.to_wire(seconds) for seconds in range(WEEK + 1)])
    texts = body.decode()[1:-1].split(",")
    assert len({*texts}) == WEEK + 1
    assert max(len(text.partition(".")[2]) for text in texts) == 4
    for seconds in range(0, WEEK + 1, 7):  # All of a day are below.
        assert DurationHours.to_seconds(Decimal(texts[seconds])) == seconds


def test_every_second_of_a_day_survives_as_number_text_and_fraction() -> None:
    assert CODEC.to_wire is not None
    for seconds in range(86_401):
        number = CODEC.to_wire(seconds)
        text = str(number)
        assert stored(json.loads(text)) == seconds
        assert CODEC.driver_value(CODEC.from_text(text)) == seconds
        assert stored(seconds / 3600) == seconds


@given(SECONDS)
def test_any_stored_second_survives_show_and_send_back(seconds: int) -> None:
    assert stored(shown(seconds)) == seconds
    for dialect in DIALECTS:
        impl: Any = DurationHours().dialect_impl(dialect)
        hours = impl.result_processor(dialect, None)(seconds)
        assert isinstance(hours, Decimal)
        assert impl.bind_processor(dialect)(hours) == seconds


@given(st.lists(st.integers(1, WEEK), min_size=1, max_size=20))
def test_sum_of_stored_durations_is_exact(durations: list[int]) -> None:
    table = sa.Table("worked", sa.MetaData(), sa.Column("hours", DurationHours))
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        rows = [{"hours": DurationHours.from_seconds(seconds)} for seconds in durations]
        connection.execute(table.insert(), rows)
        total = connection.execute(sa.select(sa.func.sum(table.c.hours))).scalar_one()
    assert total == DurationHours.from_seconds(sum(durations))
    engine.dispose()


@pytest.mark.parametrize(
    ("hours", "seconds"),
    [
        (1.5, 5400),
        (1, 3600),
        ("1.50", 5400),
        (1 / 3, 1200),
        ("0.333333333333333333333333333333333333333", 1200),
        ("0.00013888", 0),
        ("0.00013889", 1),
        ("0.000416666666666666666666666666", 1),
        ("0.000416666666666666666666666667", 2),
        ("-0.0001389", -1),
        ("1e-300", 0),
        ("596523.2353", MAX_SECONDS),
        ("-596523.2353", -MAX_SECONDS),
    ],
)
def test_hours_are_rounded_to_nearest_second(hours: Any, seconds: int) -> None:
    assert stored(hours) == seconds


@pytest.mark.parametrize(
    ("seconds", "number"),
    [(0, "0"), (3600, "1"), (5400, "1.5"), (1, "0.0003"), (-1200, "-0.3333"), (36000000, "10000")],
)
def test_hours_are_shown_without_trailing_zeros(seconds: int, number: str) -> None:
    assert CODEC.to_wire is not None
    assert msgspec.json.encode(CODEC.to_wire(seconds)).decode() == number
    assert str(DurationHours.from_seconds(seconds)) == number


@pytest.mark.parametrize(
    "hours",
    [
        "NaN",
        "Infinity",
        "-inf",
        "",
        " 1",
        "1:30",
        "1,5",
        "0x1",
        "१",
        True,
        None,
        [],
        {},
        float("nan"),
        float("inf"),
    ],
)
def test_value_that_is_not_a_number_is_rejected(hours: Any) -> None:
    with pytest.raises(InvalidValue, match="must be a decimal number"):
        CODEC.from_json(hours)


@pytest.mark.parametrize("hours", ["596523.2354", "-596523.2354", "1e999", 10**300, 1e308])
def test_value_beyond_the_column_is_rejected(hours: Any) -> None:
    with pytest.raises(InvalidValue, match=r"must be between -596523\.2353 and 596523\.2353"):
        CODEC.from_json(hours)


@pytest.mark.parametrize("hours", [Decimal("NaN"), Decimal("Infinity")])
def test_binding_a_value_that_is_not_finite_raises_value_error(hours: Decimal) -> None:
    with pytest.raises(ValueError, match="finite"):
        DurationHours().process_bind_param(hours, DIALECTS[0])


def test_schema_is_a_number_without_multiple() -> None:
    assert CODEC.schema == CODEC.accepts == {"type": "number"}
