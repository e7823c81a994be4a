"""Dates and times: from the external system's format and time zone to UTC.

A date without a time names a calendar day, which does not depend on the zone: it is sent as its
midnight in UTC. As midnight in Berlin it would count for the day before, on Mondays even for the
week before. A date and time without an offset is local time in the zone: a time that does not exist
because summer time begins is rejected; of one that occurs twice when summer time ends, the first is
used (PEP 495).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

TIME_CODES: Final = ("%H", "%I", "%c", "%X")
"""``strptime`` codes of which a format has one only if it includes the time."""


class Timestamp(NamedTuple):
    """A timestamp, and its calendar day in the source's time zone."""

    utc: datetime
    day: date

    @property
    def rfc3339(self) -> str:
        """RFC 3339 in UTC with milliseconds: ``2017-05-10T17:40:20.095Z``."""
        return f"{self.utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def timestamp_parser(format_: str, zone: ZoneInfo) -> Callable[[str], Timestamp]:
    """Return a function that parses timestamps.

    Args:
        format_: In ``strptime`` syntax; empty for ISO 8601.
        zone: The zone of times without an offset.

    Returns:
        A function that raises ``ValueError`` with a reason to append to the field's name.
    """
    if not format_:
        return lambda raw: _parse_iso(raw, zone)
    if any(code in format_ for code in TIME_CODES):
        return lambda raw: _from_datetime(_parse_format(raw, format_), zone)
    return lambda raw: _from_day(_parse_format(raw, format_).date())


def _parse_format(raw: str, format_: str) -> datetime:
    try:
        return datetime.strptime(raw, format_)  # noqa: DTZ007 - the caller adds the zone.
    except ValueError as error:
        raise ValueError(f"must be a date like {format_}, not {raw[:40]!r}") from error


def _parse_iso(raw: str, zone: ZoneInfo) -> Timestamp:
    try:
        try:
            return _from_day(date.fromisoformat(raw))
        except ValueError:
            parsed = datetime.fromisoformat(raw)
    except ValueError as error:
        raise ValueError(f"must be a date in ISO 8601, not {raw[:40]!r}") from error
    return _from_datetime(parsed, zone)


def _from_day(day: date) -> Timestamp:
    return Timestamp(datetime.combine(day, time(), UTC), day)


def _from_datetime(parsed: datetime, zone: ZoneInfo) -> Timestamp:
    try:
        if parsed.tzinfo is not None:
            return Timestamp(parsed.astimezone(UTC), parsed.date())
        utc = parsed.replace(tzinfo=zone).astimezone(UTC)
        local = utc.astimezone(zone).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError(f"{parsed} is out of range") from error
    if local != parsed:
        raise ValueError(f"{parsed} does not exist in {zone.key}: its clocks skip it")
    return Timestamp(utc, parsed.date())
