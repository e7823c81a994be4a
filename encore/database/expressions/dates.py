"""Arithmetic with calendar dates."""

from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Date, Dialect, func

Period = Literal["week", "month"]
"""``week`` is the ISO week, which begins on a Monday."""

_SQLITE_MODIFIERS: Final = {"week": ("-6 days", "weekday 1"), "month": ("start of month",)}


def add_days(day: ColumnElement[Any], days: int, dialect: Dialect) -> ColumnElement[Any]:
    """Return the date so many days later; earlier if ``days`` is negative."""
    if dialect.name == "sqlite":
        return func.date(day, f"{days:+d} days")
    return day + days


def start_of_period(
    period: Period, day: ColumnElement[Any], dialect: Dialect
) -> ColumnElement[Any]:
    """Return the first day of the period that a date is in."""
    if dialect.name == "sqlite":
        return func.date(day, *_SQLITE_MODIFIERS[period])
    return func.date_trunc(period, day).cast(Date)
