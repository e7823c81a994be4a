"""Day and month exchanged: what the dates of a source say about their order."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from client.importing.notations.day_month_order import exchange_day_and_month, parse_day
from client.importing.rows.date_order import DateExample, DateOrder

TODAY = date(2026, 11, 27)
DAY_FIRST, MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
ORDINARY: dict[str, list[date]] = {
    "a year": [date(2025, 11, 27) + timedelta(days=n) for n in range(365)],
    "a month": [date(2026, 3, 1) + timedelta(days=n) for n in range(31)],
    "a week at the beginning of a month": [date(2026, 3, n) for n in range(2, 7)],
    "a week at the end of a month": [date(2026, 3, n) for n in range(23, 28)],
    "a week over the end of a month": [date(2026, 3, 30) + timedelta(days=n) for n in range(5)],
    "two days": [date(2026, 3, 2), date(2026, 3, 3)],
    "one day": [date(2026, 3, 2)],
    "one day that is the same exchanged": [date(2026, 3, 3)],
    "no day": [],
    "first days of months": [date(2026, month, day) for month in (1, 2, 3) for day in (5, 6, 7)],
}


def order_of(days: Iterable[date], written: str, read: str) -> DateOrder:
    """Return what the days say if they are written in one format and read in another."""
    order = DateOrder(read, exchange_day_and_month(read), today=TODAY)
    for line, day in enumerate(days, 2):
        order.observe(DateExample(day.strftime(written), f"line {line}"))
    return order


@pytest.mark.parametrize("format_", [DAY_FIRST, MONTH_FIRST])
@pytest.mark.parametrize("name", ORDINARY)
def test_order_of_ordinary_dates_is_not_doubted(name: str, format_: str) -> None:
    order = order_of(ORDINARY[name], format_, format_)
    assert (order.contradiction, order.doubt) == ("", "")


@pytest.mark.parametrize(("written", "read"), [(DAY_FIRST, MONTH_FIRST), (MONTH_FIRST, DAY_FIRST)])
@pytest.mark.parametrize(
    "name", ["a year", "a month", "a week at the end of a month", "a week over the end of a month"]
)
def test_wrong_order_with_days_above_12_is_contradicted(name: str, written: str, read: str) -> None:
    order = order_of(ORDINARY[name], written, read)
    assert f"do not fit date_format = {read!r}" in order.contradiction
    assert f'write date_format = "{written}"' in order.contradiction


@pytest.mark.parametrize(("written", "read"), [(DAY_FIRST, MONTH_FIRST), (MONTH_FIRST, DAY_FIRST)])
def test_wrong_order_of_days_up_to_12_is_doubted(written: str, read: str) -> None:
    order = order_of(ORDINARY["a week at the beginning of a month"], written, read)
    assert order.contradiction == ""
    assert "lie months apart" in order.doubt
    assert f'write date_format = "{written}"' in order.doubt


def test_dates_in_the_future_only_as_they_are_read_are_doubted() -> None:
    order = order_of([date(2026, 3, 12)], DAY_FIRST, MONTH_FIRST)
    assert (
        "'12/03/2026' (line 2), which date_format = '%m/%d/%Y' reads as 2026-12-03" in order.doubt
    )


def test_dates_in_the_future_in_both_orders_are_not_doubted() -> None:
    assert order_of([date(2027, 3, 12)], DAY_FIRST, MONTH_FIRST).doubt == ""


def test_one_typing_error_is_doubted_but_no_contradiction() -> None:
    order = order_of([date(2026, 3, 2), date(2026, 3, 13)], DAY_FIRST, MONTH_FIRST)
    assert order.contradiction == ""
    assert "'13/03/2026' (line 3) has a month above 12" in order.doubt


def test_one_date_with_a_day_above_12_confirms_order() -> None:
    order = order_of([date(2026, 3, 13)], DAY_FIRST, DAY_FIRST)
    for day in (13, 14, 15, 16):
        order.observe(DateExample(f"03/{day}/2026", ""))
    assert order.is_confirmed
    assert (order.contradiction, order.doubt) == ("", "")


@pytest.mark.parametrize(
    ("format_", "exchanged"),
    [
        ("%d.%m.%Y", "%m.%d.%Y"),
        ("%m/%d/%y %I:%M %p", "%d/%m/%y %I:%M %p"),
        ("%-d/%-m/%Y", "%-m/%-d/%Y"),
        ("%e.%m.%Y", "%m.%e.%Y"),
        ("%a %d/%m/%Y", "%a %m/%d/%Y"),
        ("%D", "%d/%m/%y"),
        ("%Y-%m-%d", ""),
        ("%d %b %Y", ""),
        ("%G-W%V-%u", ""),
        ("%F", ""),
        ("unix", ""),
        ("", ""),
    ],
)
def test_exchange_day_and_month_of_formats(format_: str, exchanged: str) -> None:
    assert exchange_day_and_month(format_) == exchanged


def test_parse_day_with_contradicting_weekday_is_none() -> None:
    assert parse_day("Mon 02/03/2026", "%a %d/%m/%Y") == date(2026, 3, 2)
    assert parse_day("Mon 02/03/2026", "%a %m/%d/%Y") is None
