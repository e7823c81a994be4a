"""Hours by person and month: exact sums, weeks by their Thursday, bounded tables."""

from typing import Any

import pytest

from client.importing.preview import hours
from client.importing.preview.hours import HoursByMonth, format_clock, format_hours


def entry(user_id: str, day: str, hours: float) -> dict[str, Any]:
    return {"user_id": user_id, "day": day, "hours": hours}


def test_hours_of_20_minutes_sum_exactly() -> None:
    sums = HoursByMonth()
    for _ in range(480):
        sums.add(entry("ada", "2026-03-02", 0.3333333333))
    assert sums.format() == [
        "user_id  month    rows   hours    h:mm:ss",
        "ada      2026-03   480  160.00  160:00:00",
        "total              480  160.00  160:00:00",
    ]


def test_hours_count_in_month_of_local_day_and_of_thursday() -> None:
    sums = HoursByMonth()
    sums.add({**entry("ada", "2026-03-01", 1), "date": "2026-02-28T23:30:00.000Z"})
    sums.add({"user_id": "ada", "year": 2026, "week": 14, "hours": 20})  # Thursday is 2 April.
    sums.add({"user_id": "ada", "hours": 2})
    assert [line.split() for line in sums.format()[1:]] == [
        ["ada", "1", "2.00", "2:00:00"],
        ["ada", "2026-03", "1", "1.00", "1:00:00"],
        ["ada", "2026-04", "1", "20.00", "20:00:00"],
        ["total", "3", "23.00", "23:00:00"],
    ]


def test_hours_of_several_persons_and_months_have_totals_by_month() -> None:
    sums = HoursByMonth()
    for user in ("ada", "bob"):
        for month in ("01", "02"):
            sums.add(entry(user, f"2026-{month}-05", 7.5))
    lines = [line.split() for line in sums.format()[5:]]
    assert lines == [
        ["all", "2026-01", "2", "15.00", "15:00:00"],
        ["all", "2026-02", "2", "15.00", "15:00:00"],
        ["total", "4", "30.00", "30:00:00"],
    ]


def test_hours_of_many_persons_list_those_with_most_and_the_total() -> None:
    sums = HoursByMonth()
    for number in range(100):
        sums.add(entry(f"u{number:03}", "2026-01-05", 1 + number / 10))
    lines = sums.format()
    assert len(lines) == 1 + hours.MAX_PERSONS + 2
    assert lines[1].startswith("u080 ")
    assert lines[-2].split() == ["(80", "more)", "80", "396.00", "396:00:00"]
    assert lines[-1].split() == ["total", "100", "595.00", "595:00:00"]


def test_hours_of_too_many_groups_are_summed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hours, "MAX_GROUPS", 2)
    sums = HoursByMonth()
    for user in ("ada", "bob", "cyd", "dan"):
        sums.add(entry(user, "2026-01-05", 1))
    assert sums.format()[-1].split() == ["total", "4", "4.00", "4:00:00"]
    assert any(line.startswith("(others)") for line in sums.format())


@pytest.mark.parametrize(
    ("seconds", "decimal", "clock"),
    [(27000, "7.50", "7:30:00"), (1, "0.0003", "0:00:01"), (3661, "1.0169", "1:01:01")],
)
def test_hours_are_shown_as_decimal_and_as_clock(seconds: int, decimal: str, clock: str) -> None:
    assert format_hours(seconds) == decimal
    assert format_clock(seconds) == clock
