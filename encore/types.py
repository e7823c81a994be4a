"""Column types and mixins for models.

``UtcDateTime`` holds a timestamp. SQLite stores it, in milliseconds, as the text that JSON shows,
``2018-08-16T02:22:09.446Z``: of fixed width, so that texts sort as timestamps and need no
conversion. PostgreSQL stores it as ``TIMESTAMP WITH TIME ZONE``, in microseconds. With
``keep_offset`` hooks see the offset that a request wrote (``written_offset``); it is not stored.

``Timestamps`` adds the two timestamps that Sequelize keeps.

``FixedDecimal`` holds a decimal with few digits as an integer of its smallest unit. SQLite has no
decimals, and sums of its floats are inexact; integers add up exactly on every database.

``DurationHours`` holds a duration in hours as whole seconds: 20 minutes are not a decimal fraction
of an hour, but three times 1200 seconds are exactly one hour.
"""

import re
from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Final

from msgspec import to_builtins
from sqlalchemy import DateTime, Dialect, Integer
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# Sequelize writes a space instead of the T, and one before the offset.
_TIMESTAMP: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)? ?(Z|[+-]\d\d:?\d\d)?)?",
    re.IGNORECASE | re.ASCII,
)

_USUAL_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
"""The form of RFC 3339, which needs no changes before it is parsed."""

_UP_TO_SECONDS: Final = len("2018-08-16T02:22:09")
_UP_TO_MILLISECONDS: Final = len("2018-08-16T02:22:09.446")
_UP_TO_MICROSECONDS: Final = len("2018-08-16T02:22:09.446123")


def parse_datetime(text: str) -> datetime:
    """Parse an ISO 8601 date or date-time, to the microsecond; without an offset it is UTC.

    Raises:
        ValueError: The text is invalid, or the year is not from 1 to 9999 in UTC.
    """
    if _USUAL_TIMESTAMP.fullmatch(text) is None:
        timestamp = _from_iso(*_split_timestamp(text))
    else:
        timestamp = datetime.fromisoformat(text)
    return timestamp if timestamp.tzinfo is UTC else _to_utc(timestamp)


_STATED_UTC: Final = timezone(timedelta(0), "+00:00")
"""The zone of a timestamp that was written with ``+00:00``; ``UTC`` is that of ``Z``."""


def parse_offset_datetime(text: str) -> datetime:
    """Parse the same as ``parse_datetime``, but keep the offset for ``written_offset``.

    Raises:
        ValueError: As ``parse_datetime``.
    """
    if _USUAL_TIMESTAMP.fullmatch(text) is None:
        date, minutes, seconds, offset = _split_timestamp(text)
        timestamp = _from_iso(date, minutes, seconds, offset)
        # A date without a time: midnight in UTC begins it.
        is_stated = minutes is None or (offset is not None and offset[0] == "+")
    else:
        timestamp = datetime.fromisoformat(text)
        is_stated = text[-len("+00:00")] == "+"
    if timestamp.tzinfo is UTC:
        return timestamp.replace(tzinfo=_STATED_UTC) if is_stated else timestamp
    if timestamp.year in (MINYEAR, MAXYEAR):
        _to_utc(timestamp)
    return timestamp


def _split_timestamp(text: str) -> tuple[Any, ...]:
    """Return date, hour and minute, second, and offset; raise ``ValueError``."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError("not an ISO 8601 date-time")
    return match.groups()


def _from_iso(date: str, minutes: str | None, seconds: str | None, offset: str | None) -> datetime:
    return datetime.fromisoformat(
        f"{date}T{minutes or '00:00'}{seconds or ''}{(offset or 'Z').upper()}"
    )


def _to_utc(timestamp: datetime) -> datetime:
    """Convert a timestamp to UTC; raise ``ValueError``."""
    try:
        return timestamp.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error


def written_offset(timestamp: datetime) -> timedelta | None:
    """Return the offset of a timestamp from a request; None if it says nothing about local time.

    For columns of ``UtcDateTime(keep_offset=True)``. ``Z``, ``-00:00`` and no offset say that the
    local offset is unknown, ``+00:00`` says that it is UTC (RFC 9557, section 2.2). A date without
    a time has the offset +00:00, in which it is the day of its timestamp.
    """
    return None if timestamp.tzinfo is UTC else timestamp.utcoffset()


def format_timestamp(timestamp: datetime) -> str:
    """Format a timestamp as JSON shows it: UTC, ``Z``, three to six digits of a second.

    A naive timestamp is taken for UTC.
    """
    if timestamp.microsecond % 1000 == 0:
        return format_stored_timestamp(timestamp)
    return _iso_format(timestamp)[:_UP_TO_MICROSECONDS].rstrip("0") + "Z"


def format_stored_timestamp(timestamp: datetime) -> str:
    """Format a timestamp as ``UtcDateTime`` stores it in SQLite: UTC, milliseconds, ``Z``."""
    text = _iso_format(timestamp)
    if timestamp.microsecond:
        return text[:_UP_TO_MILLISECONDS] + "Z"
    return text[:_UP_TO_SECONDS] + ".000Z"


def _iso_format(timestamp: datetime) -> str:
    """Format a timestamp in UTC, with six digits of a second or none, with or without ``Z``.

    msgspec takes a quarter of the time of ``isoformat``.
    """
    if timestamp.tzinfo is not UTC and timestamp.tzinfo is not None:
        timestamp = timestamp.astimezone(UTC)
    if type(timestamp) is not datetime:  # Such as pendulum's, which msgspec does not support.
        return timestamp.isoformat(timespec="microseconds")
    text: str = to_builtins(timestamp)
    return text


class _TextTimestamp(sqlite.DATETIME):
    """SQLite's storage of a timestamp: the column is ``DATETIME``, its values are text.

    All texts have one length, unlike those that SQLAlchemy and SQLite's own functions write.
    """

    # Values are formatted below; this tells their form from the one that SQLAlchemy stores.
    _storage_format = (
        "%(year)04d-%(month)02d-%(day)02dT%(hour)02d:%(minute)02d:%(second)02d.%(microsecond)06dZ"
    )

    def bind_processor(
        self,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> Callable[[datetime | None], str | None]:
        """Return what formats a timestamp as it is stored."""
        return lambda value: None if value is None else format_stored_timestamp(value)

    def result_processor(
        self,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
        coltype: object,  # noqa: ARG002 - as above
    ) -> Callable[[str | None], datetime | None]:
        """Return what parses a stored timestamp."""
        return lambda value: None if value is None else parse_datetime(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware timestamp in UTC, to the millisecond on SQLite and to the microsecond elsewhere.

    A naive datetime is rejected, because its time zone is unknown.

    Args:
        keep_offset: Whether hooks receive a request's timestamp with the offset that it was written
            with (``written_offset``), not in UTC.
    """

    impl = DateTime(timezone=True).with_variant(_TextTimestamp(), "sqlite")  # type: ignore[no-untyped-call] # SQLAlchemy's
    cache_ok = True

    def __init__(self, *, keep_offset: bool = False) -> None:
        super().__init__()
        self.keep_offset = keep_offset

    def is_text(self, dialect: Dialect) -> bool:
        """Return whether this database stores the text that JSON shows."""
        stored: Any = self.dialect_impl(dialect)
        return isinstance(stored.impl_instance, _TextTimestamp)

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        """Return the timestamp to store; reject one without a time zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a timestamp needs its time zone")
        return value

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        """Return the stored timestamp in UTC."""
        return None if value is None else value.astimezone(UTC)


class FixedDecimal(TypeDecorator[Decimal]):
    """A decimal with a fixed number of decimal places, stored as an integer: 7.25 as 725.

    Args:
        scale: The number of decimal places.
    """

    impl = Integer
    cache_ok = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self._units: int = 10**scale

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the integer to store; reject a decimal with more places, which would be lost."""
        if value is None:
            return None
        units = value * self._units
        if units != int(units):
            raise ValueError(f"has more than {self.scale} decimal places")
        return int(units)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - as above
        """Return the decimal for the stored integer."""
        return None if value is None else Decimal(value).scaleb(-self.scale)

    def to_number(self, units: int) -> int | float:
        """Return the JSON number for a stored integer; an integer if it is whole."""
        whole, rest = divmod(units, self._units)
        return units / self._units if rest else whole


SECONDS_PER_HOUR: Final = 3600

_CACHED_DURATIONS: Final = 4_096
"""How many conversions are cached each way: a table of hours repeats few values."""


@lru_cache(_CACHED_DURATIONS)
def _hours_number(seconds: int) -> int | float:
    whole, rest = divmod(seconds, SECONDS_PER_HOUR)
    return round(seconds / SECONDS_PER_HOUR, DurationHours.decimals) if rest else whole


class DurationHours(TypeDecorator[Decimal]):
    """A duration in hours, stored as whole seconds: 1.5 hours as 5400.

    The Python value is a decimal with up to four decimal places, which tell any two seconds apart:
    a value that was read is written back unchanged. A value with more places, or between two
    seconds, is rounded to the nearest second, half a second away from zero.
    """

    impl = Integer
    cache_ok = True
    decimals: Final = 4

    @staticmethod
    @lru_cache(_CACHED_DURATIONS)
    def to_seconds(hours: Decimal) -> int:
        """Return hours as whole seconds, rounded. Raise ``ValueError`` for NaN and infinities."""
        if not hours.is_finite():
            raise ValueError("must be a finite number of hours")
        return int((hours * SECONDS_PER_HOUR).to_integral_value(ROUND_HALF_UP))

    @staticmethod
    def from_seconds(seconds: int) -> Decimal:
        """Return seconds as hours, with up to four decimal places and no trailing zeros."""
        return Decimal(str(_hours_number(seconds)))

    to_number = staticmethod(_hours_number)
    """Return the JSON number for stored seconds; an integer if the hours are whole."""

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the seconds to store."""
        return None if value is None else self.to_seconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - as above
        """Return the hours for the stored seconds."""
        return None if value is None else self.from_seconds(value)


MANAGED: Final = {"managed": True}
"""``Column.info`` of a column that only the service writes; clients' values are ignored."""


def now() -> datetime:
    """Return the current time in UTC in whole milliseconds, which every database stores exactly."""
    timestamp = datetime.now(UTC)
    return timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)


class Timestamps:
    """Mixin for ``createdAt`` and ``updatedAt``, which the service writes as Sequelize does."""

    created_at: Mapped[datetime] = mapped_column(
        "createdAt", UtcDateTime, default=now, info=MANAGED, sort_order=1000
    )
    updated_at: Mapped[datetime] = mapped_column(
        "updatedAt", UtcDateTime, default=now, onupdate=now, info=MANAGED, sort_order=1001
    )
