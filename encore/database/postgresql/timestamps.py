"""PostgreSQL's dates and times beyond Python's: BC, after the year 9999, and 24:00:00.

asyncpg's codecs are fast, but raise an exception for such a value, so that no row of the statement
is read. A connection that has read one gets these codecs, which return it as ``Undecodable`` text.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from encore.database.undecodable import Undecodable

_DATE: Final = date(2000, 1, 1)
_DAY: Final = 86_400_000_000  # In microseconds, as all of the below.
_MICROSECOND: Final = timedelta(microseconds=1)
_CYCLE_DAYS: Final = 146_097  # The Gregorian calendar repeats after 400 years.
_INFINITE_DAYS: Final = 2**31 - 1
_INFINITE: Final = 2**63 - 1


async def set_tolerant_codecs(connection: Any) -> None:
    """Have a connection return dates and times beyond Python's as text."""
    for name, encode, decode in (
        ("date", _encode_date, _decode_date),
        ("timestamp", _timestamp_encoder(None), _timestamp_decoder(None)),
        ("timestamptz", _timestamp_encoder(UTC), _timestamp_decoder(UTC)),
        ("time", _encode_time, _decode_time),
    ):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=encode, decoder=decode, format="tuple"
        )


def _encode_date(value: date) -> tuple[int]:
    if value in (date.max, date.min):  # As in asyncpg's codec.
        return (_INFINITE_DAYS if value == date.max else -_INFINITE_DAYS - 1,)
    return ((value - _DATE).days if type(value) is date else (value.date() - _DATE).days,)  # type: ignore[attr-defined] # a datetime


def _decode_date(encoded: tuple[int]) -> date | Undecodable:
    (days,) = encoded
    if days == _INFINITE_DAYS:
        return date.max
    if days == -_INFINITE_DAYS - 1:
        return date.min
    try:
        return _DATE + timedelta(days=days)
    except OverflowError:
        return Undecodable.create("{} {}".format(*_beyond(days)).strip())


def _beyond(days: int) -> tuple[str, str]:
    """Return a date beyond Python's in PostgreSQL's format, and its era."""
    cycles, rest = divmod(days, _CYCLE_DAYS)
    same = _DATE + timedelta(days=rest)
    year = same.year + 400 * cycles
    era = "BC" if year <= 0 else ""
    return f"{1 - year if era else year:04d}-{same:%m-%d}", era


def _timestamp_encoder(zone: tzinfo | None) -> Callable[[datetime], tuple[int]]:
    epoch = datetime(2000, 1, 1, tzinfo=zone)

    def encode(value: datetime) -> tuple[int]:
        if value in (datetime.max.replace(tzinfo=zone), datetime.min.replace(tzinfo=zone)):
            return (_INFINITE if value > epoch else -_INFINITE - 1,)
        return ((value - epoch) // _MICROSECOND,)

    return encode


def _timestamp_decoder(zone: tzinfo | None) -> Callable[[tuple[int]], datetime | Undecodable]:
    epoch = datetime(2000, 1, 1, tzinfo=zone)
    offset = "" if zone is None else "+00"

    def decode(encoded: tuple[int]) -> datetime | Undecodable:
        (microseconds,) = encoded
        if microseconds == _INFINITE:
            return datetime.max.replace(tzinfo=zone)
        if microseconds == -_INFINITE - 1:
            return datetime.min.replace(tzinfo=zone)
        try:
            return epoch + timedelta(microseconds=microseconds)
        except OverflowError:
            days, rest = divmod(microseconds, _DAY)
            day, era = _beyond(days)
            clock = (datetime(2000, 1, 1) + timedelta(microseconds=rest)).time()  # noqa: DTZ001 - of any day
            return Undecodable.create(f"{day} {clock}{offset} {era}".strip())

    return decode


def _encode_time(value: time) -> tuple[int]:
    if value.tzinfo is not None:
        raise ValueError("a time with an offset")
    since = timedelta(
        hours=value.hour,
        minutes=value.minute,
        seconds=value.second,
        microseconds=value.microsecond,
    )
    return (since // _MICROSECOND,)


def _decode_time(encoded: tuple[int]) -> time | Undecodable:
    (microseconds,) = encoded
    if microseconds >= _DAY:
        return Undecodable.create("24:00:00")
    return (datetime(2000, 1, 1) + timedelta(microseconds=microseconds)).time()  # noqa: DTZ001 - of any day
