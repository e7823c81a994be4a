"""Dates and times: from the external tool's form and time zone to UTC.

A date without a time of day names a calendar day, and stays that day whatever the zone: it is sent
as its midnight in UTC. As midnight in Berlin it would count for the day before, on Mondays even
for the week before. A date and time without an offset is a moment in the zone: one that the clock
skips when summer time begins is refused, of one that it shows twice when summer time ends the first
is meant (PEP 495).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

TIMES_OF_DAY: Final = ("%H", "%I", "%c", "%X")
"""What a ``strptime`` format has only if it tells a time of day."""


class Moment(NamedTuple):
    """A moment, and the calendar day that it is on where it was noted."""

    utc: datetime
    day: date

    @property
    def text(self) -> str:
        """RFC 3339 in UTC with milliseconds: ``2017-05-10T17:40:20.095Z``."""
        return f"{self.utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def moment_reader(form: str, zone: ZoneInfo) -> Callable[[str], Moment]:
    """Give a function that reads moments.

    Args:
        form: As ``strptime`` has it; empty for ISO 8601.
        zone: Where times without an offset are meant.

    Returns:
        A function that raises ``ValueError`` with what is wrong, to be put behind the field's name.
    """
    if not form:
        return lambda text: _of_iso(text, zone)
    if any(code in form for code in TIMES_OF_DAY):
        return lambda text: _of_time(_parse(text, form), zone)
    return lambda text: _of_day(_parse(text, form).date())


def _parse(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is given to it next.
    except ValueError as error:
        raise ValueError(f"must be a date like {form}, not {text[:40]!r}") from error


def _of_iso(text: str, zone: ZoneInfo) -> Moment:
    try:
        try:
            return _of_day(date.fromisoformat(text))
        except ValueError:
            found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"must be a date as ISO 8601 has it, not {text[:40]!r}") from error
    return _of_time(found, zone)


def _of_day(day: date) -> Moment:
    return Moment(datetime.combine(day, time(), UTC), day)


def _of_time(found: datetime, zone: ZoneInfo) -> Moment:
    try:
        if found.tzinfo is not None:
            return Moment(found.astimezone(UTC), found.date())
        utc = found.replace(tzinfo=zone).astimezone(UTC)
        back = utc.astimezone(zone).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError(f"{found} is out of range") from error
    if back != found:
        raise ValueError(f"{found} does not exist in {zone.key}: its clocks skip it")
    return Moment(utc, found.date())
